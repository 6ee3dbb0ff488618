"""Runs the state machine of backfill.yaml in moto, with functions that only note what they are given.

states.py TEMPLATE [TRAIL-ACCOUNT] prints {"definition", "status", "calls": [[function, keys, batch input], ...], "results": [...]}. The definition is
printed as it is deployed. What moto does not know is put in its place: it has no ItemBatcher (each file is a batch here), and
wants a percentage with a point. A page holds one file. A state with JSONata does nothing here."""

import io
import json
import sys
import time
import zipfile

import boto3
import yaml
from moto import mock_aws
from moto.awslambda_simple.models import LambdaSimpleBackend

REGION = "eu-west-1"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:"
SUBSTITUTIONS = {
    "Partition": "aws",
    "TrailBucket": "trail",
    "TrailAccount": "".join(sys.argv[2:]),
    "TrailPrefix": "AWSLogs/o-example1/",
    "ResultsBucket": "results",
    "SessionHandler": FUNCTION + "autotag-session-handler",
    "TagHandler": FUNCTION + "autotag-tag-handler",
    "FilesPerCall": "10",
    "AccountsAtOnce": "2",
    "CallsAtOnce": "2",
    "ToleratedFailurePercentage": "10",
}
ACCOUNTS = ["111122223333", "444455556666"]
REGIONS = ["eu-west-1", "us-east-1"]
DAYS = ["2026/02/28", "2026/03/01", "2026/03/02"]
# Nothing was called there.
QUIET = ("444455556666", "us-east-1")


class Loader(yaml.SafeLoader):
    """Reads a template without knowing what its functions mean."""


def function(loader, name, node):
    construct = {
        yaml.ScalarNode: loader.construct_scalar,
        yaml.SequenceNode: lambda node: loader.construct_sequence(node, deep=True),
        yaml.MappingNode: lambda node: loader.construct_mapping(node, deep=True),
    }
    return {name: construct[type(node)](node)}


Loader.add_multi_constructor("!", function)


def definition(path):
    with open(path, encoding="utf-8") as file:
        machine = yaml.load(file, Loader)["Resources"]["Backfill"]["Properties"]
    assert set(machine["DefinitionSubstitutions"]) == set(SUBSTITUTIONS), machine["DefinitionSubstitutions"]
    text = machine["DefinitionString"]
    for name, value in SUBSTITUTIONS.items():
        text = text.replace("${%s}" % name, value)
    assert "${" not in text, text
    return json.loads(text)


def for_moto(value):
    if isinstance(value, list):
        return [for_moto(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("QueryLanguage") == "JSONata":
        # Its expressions are evaluated by jsonata.cjs.
        return {"Type": "Pass", "Next": value["Next"]}
    value = {name: for_moto(item) for name, item in value.items()}
    batcher = value.pop("ItemBatcher", None)
    if batcher:
        batch = {"Items.$": "States.Array($$.Map.Item.Value)", "BatchInput": batcher["BatchInput"]}
        value["ItemSelector"] = batch
    if value.get("MaxKeys") == 400:
        value["MaxKeys"] = 1
    if "ToleratedFailurePercentage" in value:
        value["ToleratedFailurePercentage"] += 0.5
    return value


calls = []


def invoke(self, function_name, qualifier, body, headers, response_headers):
    payload = json.loads(body)
    keys = [item["Key"] for item in payload["Items"]]
    calls.append([function_name.removeprefix(FUNCTION), keys, payload["BatchInput"]])
    return json.dumps({"records": 1, "outcomes": {"Tagged": 1}}).encode()


def trail(s3):
    for bucket in ("trail", "results"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    for account in ACCOUNTS:
        for region in REGIONS:
            # The last day is not asked for.
            for day in [*DAYS, "2026/03/03"]:
                if (account, region) != QUIET:
                    folder = f"AWSLogs/o-example1/{account}/CloudTrail/{region}/{day}"
                    for name in ("1.json.gz", "2.json.gz"):
                        s3.put_object(Bucket="trail", Key=f"{folder}/{name}", Body=b"x")


def functions(role):
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("bootstrap", "")
    client = boto3.client("lambda", region_name=REGION)
    for name in ("autotag-session-handler", "autotag-tag-handler"):
        client.create_function(
            FunctionName=name,
            Runtime="provided.al2023",
            Role=role,
            Handler="bootstrap",
            Code={"ZipFile": package.getvalue()},
        )


def run(machine):
    s3 = boto3.client("s3", region_name=REGION)
    trail(s3)
    iam = boto3.client("iam", region_name="us-east-1")
    role = iam.create_role(RoleName="backfill", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    functions(role)
    states = boto3.client("stepfunctions", region_name=REGION)
    made = states.create_state_machine(name="autotag-backfill", definition=json.dumps(machine), roleArn=role)
    given = json.dumps({"days": DAYS, "accounts": ACCOUNTS, "regions": REGIONS})
    started = states.start_execution(stateMachineArn=made["stateMachineArn"], input=given)
    deadline = time.monotonic() + 120
    while True:
        execution = states.describe_execution(executionArn=started["executionArn"])
        if execution["status"] != "RUNNING" or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    results = [item["Key"] for item in s3.list_objects_v2(Bucket="results").get("Contents", [])]
    return execution["status"], results


whole = definition(sys.argv[1])
LambdaSimpleBackend.invoke = invoke
with mock_aws(config={"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}):
    status, results = run(for_moto(whole))
print(json.dumps({"definition": whole, "status": status, "calls": calls, "results": results}))
