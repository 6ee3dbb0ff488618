"""The composed templates over an emulator: `composed.py COMMAND ...`, as stacks.py does it for the parts."""

import json
import os
import re
import subprocess
import sys

import boto3
from stacks import HUB, REGIONS, client, function, prepare, receive, stack, template

ACCOUNT = "123456789012"


def of_account(service, region, account):
    """A client in another account."""
    if account == ACCOUNT:
        return client(service, region)
    role = "arn:aws:iam::" + account + ":role/test"
    keys = client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def packages(folder, name):
    """Packages at the keys that the template has as defaults."""
    with open(os.path.join(folder, name + ".yaml")) as file:
        prepare(*re.findall(r'Default: "(.+/(?:tag|session)-handler\.zip)"', file.read()))


def rules(bus, region=HUB, account=ACCOUNT):
    pages = of_account("events", region, account).get_paginator("list_rules").paginate(EventBusName=bus)
    return sorted(rule["Name"] for page in pages for rule in page["Rules"])


def made(outputs, resources, name="autotag"):
    return {
        "tag": function(name + "-tag-handler", outputs["TagQueueUrl"]),
        "session": function(name + "-session-handler", outputs["SessionQueueUrl"]),
        "tables": client("dynamodb").list_tables()["TableNames"],
        "made": sorted(resources),
        "outputs": outputs,
    }


def single(folder, *parameters):
    packages(folder, "single")
    given = dict(parameter.split("=") for parameter in parameters)
    stands = made(*stack(folder, "single", HUB, CodeBucket="code", **given))
    stack(folder, "region", REGIONS[0], HubBusArn=stands["outputs"]["BusArn"])
    return {**stands, "rules": rules("default"), "hub_rules": rules("autotag"), "region_rules": rules("default", REGIONS[0])}


def two(folder):
    """Two deployments in one region of one account."""
    packages(folder, "single")
    names = ["autotag", "autotag-test"]
    stacks = [stack(folder, "single", HUB, called=name, CodeBucket="code", Name=name) for name in names]
    first, second = [made(*stands, name) for stands, name in zip(stacks, names)]
    return {**first, "test": second["tag"], "rules": rules("default")}


class Resolver:
    """The values of intrinsic functions, as far as the stack sets of the template have them."""

    def __init__(self, folder, name, values, attributes):
        self.values, self.attributes = values, attributes
        resources = os.path.join(os.path.dirname(__file__), "resources.py")
        self.resources = json.loads(subprocess.check_output([sys.executable, resources, os.path.join(folder, name)]))

    def resolve(self, value):
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not None]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Fn::Ref":
                return self.values[argument]
            if function == "Fn::GetAtt":
                return self.attributes[argument]
            if function == "Fn::Join":
                return argument[0].join(self.resolve(argument[1]))
            if function == "Fn::If":
                return self.resolve(argument[1 if self.values[argument[0]] else 2])
            if function == "Fn::Sub":
                text, given = argument if isinstance(argument, list) else (argument, {})
                known = {**self.values, **{name: self.resolve(item) for name, item in given.items()}}
                return re.sub(r"\$\{([^}]+)\}", lambda found: known[found[1]], text)
        resolved = {name: self.resolve(item) for name, item in value.items()}
        return {name: item for name, item in resolved.items() if item is not None}

    def properties(self, resource):
        return self.resolve(self.resources[resource]["Properties"])


def stack_set(properties):
    """Makes a stack set as CloudFormation does it for the resource, which moto's CloudFormation does not know."""
    formation = client("cloudformation")
    preferences = properties.pop("OperationPreferences")
    groups = properties.pop("StackInstancesGroup")
    formation.create_stack_set(**properties)
    for group in groups:
        formation.create_stack_instances(
            StackSetName=properties["StackSetName"], OperationPreferences=preferences, CallAs=properties["CallAs"], **group
        )
    name = properties["StackSetName"]
    instances = formation.list_stack_instances(StackSetName=name)["Summaries"]
    return sorted([instance["Account"], instance["Region"]] for instance in instances)


def org(folder, own_region):
    packages(folder, "org")
    for name in ["member", "region"]:
        client("s3").put_object(Bucket="code", Key="1/" + name + ".yaml", Body=template(folder, name))
    organizations = client("organizations")
    organization = organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    root = organizations.list_roots()["Roots"][0]["Id"]
    made_account = organizations.create_account(AccountName="other", Email="other@example.com")
    account = made_account["CreateAccountStatus"]["AccountId"]
    given = {
        "CodeBucket": "code",
        "OrganizationId": organization,
        "TargetOus": root,
        "Regions": ",".join([HUB, *REGIONS]),
        "MemberTemplateUrl": "https://code.s3.eu-west-1.amazonaws.com/1/member.yaml",
        "RegionTemplateUrl": "https://code.s3.eu-west-1.amazonaws.com/1/region.yaml",
        "ManagementAccount": "999999999999",
        "OwnRegion": own_region,
    }
    stands = made(*stack(folder, "org", HUB, **given))
    before = rules("default")
    with open(os.path.join(folder, "org.yaml")) as file:
        defaults = re.findall(r'^  (\w+):\n    Type: .*\n    Default: "?([^"\n]*)"?$', file.read(), re.MULTILINE)
    values = {
        **dict(defaults),
        **given,
        "TargetOus": [root],
        "Regions": [HUB, *REGIONS],
        "AWS::NoValue": None,
        "AWS::Region": HUB,
        "AWS::Partition": "aws",
        "AWS::AccountId": ACCOUNT,
        "MemberStackSet": "autotag-member:1",
        "CallsAsSelf": False,
        "HasExternalId": False,
        "KnowsManagementAccount": True,
    }
    attributes = {"Bus.Arn": stands["outputs"]["BusArn"], "TagHandlerRole.Arn": stands["outputs"]["TagHandlerRoleArn"]}
    resolver = Resolver(folder, "org.yaml", values, attributes)
    sets = {name: resolver.properties(name) for name in ["MemberStackSet", "RegionStackSet"]}
    said = json.loads(json.dumps(sets))
    instances = {name: stack_set(properties) for name, properties in sets.items()}
    return {
        **stands,
        "account": account,
        "organization": organization,
        "rules": before,
        "sets": said,
        "instances": instances,
        "member_rules": rules("default", REGIONS[0], account),
    }


def put(region, account):
    """A record on stdin, as CloudTrail puts it on the default bus of a region of an account."""
    record = json.load(sys.stdin)
    source = "aws." + record["eventSource"].split(".")[0]
    entry = {"Source": source, "DetailType": "AWS API Call via CloudTrail", "Detail": json.dumps(record)}
    answer = of_account("events", region, account).put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0, answer
    return {}


def volume(region, account):
    made = of_account("ec2", region, account).create_volume(AvailabilityZone=region + "a", Size=1)
    return {"id": made["VolumeId"]}


def tags(region, account, volume_id):
    volumes = of_account("ec2", region, account).describe_volumes(VolumeIds=[volume_id])["Volumes"]
    return {tag["Key"]: tag["Value"] for tag in volumes[0].get("Tags", [])}


commands = {"single": single, "two": two, "org": org, "put": put, "receive": receive, "volume": volume, "tags": tags}
json.dump(commands[sys.argv[1]](*sys.argv[2:]), sys.stdout)
