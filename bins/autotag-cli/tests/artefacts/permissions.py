"""What parliament says of policies: {name: document} comes in, ["name: issue detail", ...] goes out.

Actions that are newer than its data are left out, and so are its findings about kinds of resources: AWS's service reference
is newer (kinds.cjs)."""

import json
import sys

import parliament

KNOWN = {
    f"{service['prefix']}:{privilege['privilege']}".lower()
    for service in parliament.iam_definition
    for privilege in service["privileges"]
}


def listed(value):
    return value if isinstance(value, list) else [value]


findings = []
for policy, document in json.load(sys.stdin).items():
    for statement in document["Statement"]:
        statement["Action"] = [action for action in listed(statement["Action"]) if action.lower() in KNOWN]
    document["Statement"] = [statement for statement in document["Statement"] if statement["Action"]]
    if not document["Statement"]:
        continue
    for finding in parliament.analyze_policy_string(json.dumps(document)).findings:
        said = parliament.enhance_finding(finding)
        if said.issue == "RESOURCE_MISMATCH":
            continue
        details = said.detail if isinstance(said.detail, list) else [said.detail]
        findings += [f"{policy}: {said.issue} {detail}" for detail in details]
print(json.dumps(findings))
