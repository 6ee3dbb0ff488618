"""What `estate.rs` is compared with: the known report's way, in our own words, with boto3.

One call after the other. For each account its tags; then for each of thirteen regions, which stand in the program, all
tagged resources, fifty on a page. The first region is read once more before, to see whether the account can be read at all.
"""

import json
import sys
import time

import boto3
import botocore.model

# Newer versions of botocore would speak CBOR with the tagging API; the known report's time had JSON, and so has the stub.
botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS = ("json", "rest-json", "query", "ec2", "rest-xml")

REGIONS = [
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1",
    "eu-north-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "sa-east-1",
]


def assumed(session, account, role):
    answer = session.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/{role}", RoleSessionName="reference"
    )
    keys = answer["Credentials"]
    return boto3.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def is_used(session, region):
    client = session.client("resourcegroupstaggingapi", region_name=region)
    resources = []
    for page in client.get_paginator("get_resources").paginate(ResourcesPerPage=50):
        resources += page["ResourceTagMappingList"]
    return len(resources) > 0


def report(management, role, member_role):
    organization = assumed(boto3.Session(), management, role)
    client = organization.client("organizations", region_name="us-east-1")
    described = client.describe_organization()["Organization"]
    accounts = []
    for page in client.get_paginator("list_accounts").paginate():
        accounts += page["Accounts"]
    rows = []
    for account in accounts:
        tags = {tag["Key"]: tag["Value"] for tag in client.list_tags_for_resource(ResourceId=account["Id"])["Tags"]}
        member = organization
        if account["Id"] != management:
            member = assumed(organization, account["Id"], member_role)
        is_used(member, REGIONS[0])
        used = sorted(region for region in REGIONS if is_used(member, region))
        rows.append([account["Id"], account["Name"], described["Id"], ",".join(used), tags.get("environment", "")])
    return rows


if __name__ == "__main__":
    started = time.monotonic()
    found = report(*sys.argv[1:4])
    json.dump({"seconds": time.monotonic() - started, "accounts": len(found)}, sys.stdout)
