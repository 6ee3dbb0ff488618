"""What parliament knows and says of policies: {name: document} comes in.

{"findings": ["name: issue detail", ...], "actions": {action: how many kinds of resources it takes, or null}, "misplaced":
["action on resource", ...]} goes out. null is an action that does not exist; misplaced is one on an ARN of no such kind."""

import json
import re
import sys

import parliament

SERVICES = {service["prefix"]: service for service in parliament.iam_definition}


def kinds(action):
    prefix, name = action.split(":")
    service = SERVICES.get(prefix, {"privileges": []})
    for privilege in service["privileges"]:
        if privilege["privilege"].lower() == name.lower():
            types = {one["resource_type"].rstrip("*") for one in privilege["resource_types"]} - {""}
            arns = (one["arn"] for one in service["resources"] if one["resource"] in types)
            return sorted(re.sub(r"\$\{[^}]*\}", "*", arn) for arn in arns)
    return None


def listed(value):
    return value if isinstance(value, list) else [value]


def misplaced(action, resource):
    return resource != "*" and not any(parliament.is_arn_match("any", kind, resource) for kind in kinds(action) or [])


findings, actions, wrong = [], {}, set()
for policy, document in json.load(sys.stdin).items():
    for statement in document["Statement"]:
        for action in listed(statement["Action"]):
            known = kinds(action)
            actions[action] = None if known is None else len(known)
            wrong |= {f"{action} on {on}" for on in listed(statement["Resource"]) if misplaced(action, on)}
    for finding in parliament.analyze_policy_string(json.dumps(document)).findings:
        said = parliament.enhance_finding(finding)
        details = said.detail if isinstance(said.detail, list) else [said.detail]
        findings += [f"{policy}: {said.issue} {detail}" for detail in details]
print(json.dumps({"findings": findings, "actions": actions, "misplaced": sorted(wrong)}))
