"""What parliament has against the policies of a template. lint.py TEMPLATE [NAME=VALUE ...] prints a line a finding."""

import json
import subprocess
import sys
from pathlib import Path

import parliament

resolve = Path(__file__).with_name("resolve.py")
policies = json.loads(subprocess.check_output([sys.executable, resolve, *sys.argv[1:]]))
for name, document in policies.items():
    if name.endswith("Trust"):
        # parliament asks every statement for a resource, which trust policies do not have.
        continue
    for finding in parliament.analyze_policy_string(json.dumps(document)).findings:
        said = parliament.enhance_finding(finding)
        print(f"{name}: {said.issue} {said.detail}")
