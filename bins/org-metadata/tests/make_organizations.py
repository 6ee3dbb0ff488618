"""Three AWS organizations in the moto emulator, for the end-to-end tests of org-metadata.

    python make_organizations.py     creates everything and prints the ids, as one line of JSON:
                        {"alpha": {"id": "o-...", "management": "111122223333", "accounts": {"web": "..."}}, ...}

Moto keeps accounts apart by whose credentials a call is signed with: each account's things are made with those of a
role that is assumed in it. Ids of member accounts and organizations are moto's own; those of management accounts are ours.

| Organization | For |
|---|---|
| alpha | where resources are: each account has them in other places |
| beta | names and tags that want to be formulas or markup; its id begins with a zero, and is a number in the table |
| gamma | account tags under every name; more accounts than a page of `ListAccounts` takes, most of them suspended |

The default account has the tables of tenants and the bucket for reports.

The environment says where the emulator is (AWS_ENDPOINT_URL). Real credentials are never used.
"""

import json
import os
from functools import partial

import boto3
from botocore.config import Config

ALPHA, BETA, GAMMA = "111122223333", "022233334444", "333344445555"
ROLE = "org-reader"

ENVIRONMENT = ["environment", "Environment", "ENVIRONMENT", "env", "Env", "ENV"]
AIDE_ID = ["aide-id", "AIDE_ID", "AIDE-ID", "aide_id", "aideId", "AideId"]

# By the word for it that the tests use.
HOSTILE = {
    "formula": "=cmd|'/C calc'!A0",
    "plus": "+1+1",
    "minus": "-1+1",
    "at": "@SUM(1+1)",
    "tab": "\t=1+1",
    "return": "\r=1+1",
    "nul": "\0=1+1",
    "quotes": 'the "good" one, really',
    "lines": "one\r\n=two",
    "right-to-left": "\u200fabc\u202ecod.exe",
    "markup": "<script>alert(1)</script>",
    "quoted": "'=1+1",
}


# Calls


def client(service, region="us-east-1", keys=None):
    keys = keys or {"AccessKeyId": "testing", "SecretAccessKey": "testing", "SessionToken": None}
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def entered(account):
    """Clients of an account."""
    role = f"arn:aws:iam::{account}:role/{ROLE}"
    keys = client("sts").assume_role(RoleArn=role, RoleSessionName="make-organizations")["Credentials"]
    return partial(client, keys=keys)


def listed(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


# Things with a tag, one function a service


def queue(at, region):
    at("sqs", region).create_queue(QueueName="jobs", tags={"Team": "shop"})


def topic(at, region):
    at("sns", region).create_topic(Name="news", Tags=listed({"Team": "shop"}))


def table(at, region):
    at("dynamodb", region).create_table(TableName="orders", Tags=listed({"Team": "shop"}), **keyed("id"))


def logs(at, region):
    at("logs", region).create_log_group(logGroupName="/app", tags={"Team": "data"})


def secret(at, region):
    at("secretsmanager", region).create_secret(Name="word", SecretString="none", Tags=listed({"Team": "data"}))


def key(at, region):
    at("kms", region).create_key(Tags=[{"TagKey": "Team", "TagValue": "data"}])


def volume(at, region):
    tagged = [{"ResourceType": "volume", "Tags": listed({"Team": "shop"})}]
    at("ec2", region).create_volume(Size=1, AvailabilityZone=f"{region}a", TagSpecifications=tagged)


def bucket(at, region, name):
    s3 = at("s3", region)
    s3.create_bucket(Bucket=name, **place(region))
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": listed({"Team": "shop"})})


def untagged(at, region):
    at("sqs", region).create_queue(QueueName="untagged")


def place(region):
    """Where a bucket shall lie; us-east-1 must not be said."""
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}


def keyed(name):
    return {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }


# Organizations


class Organization:
    def __init__(self, management):
        self.at = entered(management)
        self.calls = self.at("organizations")
        self.id = self.calls.create_organization(FeatureSet="ALL")["Organization"]["Id"]
        self.management = management
        self.accounts = {}

    def member(self, word, name=None, tags=None):
        """A new account, and clients of it."""
        mail = f"{word}.{self.management}@example.com"
        made = self.calls.create_account(AccountName=name or word, Email=mail, Tags=listed(tags or {}))
        self.accounts[word] = made["CreateAccountStatus"]["AccountId"]
        return entered(self.accounts[word])

    def suspended(self, word, tags=None):
        self.member(word, tags=tags)
        self.calls.close_account(AccountId=self.accounts[word])

    def described(self):
        return {"id": self.id, "management": self.management, "accounts": self.accounts}


def alpha():
    made = Organization(ALPHA)
    topic(made.at, "us-west-2")
    web = made.member("web", tags={"environment": "prod", "aide-id": "A-100", "CostCenter": "42"})
    queue(web, "eu-west-1")
    topic(web, "eu-west-1")
    table(web, "eu-north-1")
    data = made.member("data", tags={"Owner": "data@example.com"})
    logs(data, "us-east-1")
    secret(data, "eu-west-2")
    key(data, "eu-central-1")
    bucket(made.member("files"), "sa-east-1", "files-of-alpha")
    bucket(made.member("old files"), "us-east-1", "old-files-of-alpha")
    volume(made.member("far away"), "eu-central-1")
    untagged(made.member("untagged"), "eu-west-1")
    closed = made.member("closed")
    queue(closed, "eu-west-1")
    made.calls.close_account(AccountId=made.accounts["closed"])
    return made.described()


def beta():
    made = Organization(BETA)
    tags = {"Environment": "=1+1", "AIDE_ID": "@SUM(1)"}
    for word, name in HOSTILE.items():
        queue(made.member(word, name, tags), "eu-west-2")
    return made.described()


def gamma():
    made = Organization(GAMMA)
    for number in range(len(ENVIRONMENT)):
        # From this name on; those that go first stand last.
        tags = {name: f"{name} of {number}" for name in reversed(ENVIRONMENT[number:] + AIDE_ID[number:])}
        made.member(f"variant {number}", tags=tags)
    for number in range(16):
        made.suspended(f"retired {number}", {"env": "gone"})
    return made.described()


# The default account


def row(tenant, **other):
    usual = {
        "tenant_type": "Cloud Usage",
        "tenant_status": "Active",
        "cloud_service_provider": "AWS",
        "mgmt_category": "Known Managed",
    }
    row = {"tenant_id": tenant if isinstance(tenant, dict) else {"S": tenant}}
    return row | {name: {"S": value} for name, value in (usual | other).items() if value is not None}


def tenants(name, rows):
    calls = client("dynamodb")
    calls.create_table(TableName=name, **keyed("row"))
    for number, row in enumerate(rows):
        # So long that the table does not fit into one page of a scan.
        filled = {"row": {"S": str(number)}, "notes": {"S": "x" * 150_000}}
        calls.put_item(TableName=name, Item=row | filled)


WANTED = [
    row(GAMMA),
    row({"N": BETA.lstrip("0")}, mgmt_category="Known Partially Managed"),
    row(ALPHA),
    row(ALPHA, mgmt_category="Known Partially Managed"),
]
# None of them is to be asked for.
OTHERS = [
    row("444455556661", tenant_status="Inactive"),
    row("444455556662", tenant_type="Marketplace"),
    row("444455556663", cloud_service_provider="Azure"),
    row("444455556664", mgmt_category="Unknown"),
    row("444455556665", mgmt_category=None),
]


def main():
    organizations = {"alpha": alpha(), "beta": beta(), "gamma": gamma()}
    tenants("tenants", OTHERS[:3] + WANTED + OTHERS[3:])
    member = organizations["alpha"]["accounts"]["web"]
    tenants("odd-tenants", [row(ALPHA), row(member), row("n/a"), row("12345")])
    client("s3", "eu-west-1").create_bucket(Bucket="reports", **place("eu-west-1"))
    print(json.dumps(organizations))


if __name__ == "__main__":
    main()
