"""Writes `aws-tag-conditions.toml`: the conditions on tag keys in AWS's managed policies.

Reads the policies that moto carries (`moto/iam/aws_managed_policies.py`; CONTRIBUTING.md names the pinned version) and
writes to standard output:

    python3 crates/autotag-model/tools/aws_tag_conditions.py > crates/autotag-model/aws-tag-conditions.toml

Keys that begin with `aws:` are left out, because only AWS writes them. Conditions that differ only in the policy that has
them are one entry.
"""

import json
import re
from importlib.metadata import version

from moto.iam.aws_managed_policies import aws_managed_policies_data

HEAD = """\
# The conditions on tag keys in AWS's managed policies. Made by tools/aws_tag_conditions.py; do not edit.
# moto {moto}: {policies} managed policies, {conditions} conditions.
#
# on:       `resource` (the tags of a resource), `request` (the tags in a call), `principal` (the tags of the caller),
#           `keys` (the keys that a call names; `key` is then one of them, and may contain wildcards)
# operator: as in the policy
# values:   as in the policy, with its variables
# services: the services whose resources the statements are about, by actions and ARNs
"""

# A condition key about tags: prefix, name, and for most the key of the tag.
TAG = re.compile(r"^[a-z0-9-]+:(?P<name>[A-Za-z-]*[Tt]ag[A-Za-z]*)(?:/(?P<key>.+))?$")
ON = {
    "resourcetag": "resource",
    "existingobjecttag": "resource",
    "rep-tag": "resource",
    "task-tag": "resource",
    "requesttag": "request",
    "requestobjecttag": "request",
    "req-tag": "request",
    "principaltag": "principal",
    "tagkeys": "keys",
    "requestobjecttagkeys": "keys",
}


def several(value):
    return value if isinstance(value, list) else [value]


def tags(condition, value):
    """What a condition is about, as pairs of `on`, key and values."""
    match = TAG.match(condition)
    on = match and ON.get(match["name"].lower())
    values = [str(one).lower() if isinstance(one, bool) else str(one) for one in several(value)]
    if on == "keys":
        return [(on, key, []) for key in values]
    return [(on, match["key"], values)] if on and match["key"] else []


def services(statement):
    """The services of the actions, and of the ARNs where they name one."""
    found = {action.split(":")[0] for action in several(statement.get("Action", []))}
    for arn in several(statement.get("Resource", [])):
        parts = arn.split(":")
        if len(parts) > 2 and re.fullmatch("[a-z0-9-]+", parts[2]):
            found.add(parts[2])
    return found


def conditions(policies):
    found = {}
    for name, policy in policies.items():
        for statement in several(policy["Document"]["Statement"]):
            for operator, tests in statement.get("Condition", {}).items():
                for condition, value in tests.items():
                    for on, key, values in tags(condition, value):
                        if key.lower().startswith("aws:"):
                            continue
                        same = (key.lower(), key, on, operator, statement["Effect"], tuple(sorted(values)))
                        entry = found.setdefault(same, {"services": set(), "policies": set(), "actions": set()})
                        entry["services"] |= services(statement)
                        entry["policies"].add(name)
                        entry["actions"].update(several(statement.get("Action", [])))
    return found


def toml(found):
    text = lambda value: json.dumps(value, ensure_ascii=False)
    for (_, key, on, operator, effect, values), entry in sorted(found.items()):
        yield f"[[condition]]\nkey = {text(key)}\non = {text(on)}\noperator = {text(operator)}"
        if values:
            yield f"values = {text(list(values))}"
        if effect != "Allow":
            yield f"effect = {text(effect)}"
        for name in ("services", "policies", "actions"):
            yield f"{name} = {text(sorted(entry[name]))}"
        yield ""


def main():
    policies = json.loads(aws_managed_policies_data)
    found = conditions(policies)
    print(HEAD.format(moto=version("moto"), policies=len(policies), conditions=len(found)))
    print("\n".join(toml(found)).rstrip())


if __name__ == "__main__":
    main()
