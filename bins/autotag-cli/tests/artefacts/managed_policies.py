"""Prints AWS's managed policies as JSON, by name. managed_policies.py NAME ... prints these only."""

import json
import sys

from moto.iam.aws_managed_policies import aws_managed_policies_data

policies = json.loads(aws_managed_policies_data)
print(json.dumps({name: policies[name]["Document"] for name in sys.argv[1:]}))
