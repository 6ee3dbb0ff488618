"""The errors that boto3 reads from the proxy. The access key selects the fault in the proxy's rule."""

import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

ONCE = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
TAGS = [{"Key": "a", "Value": "b"}]
QUEUE = f"{os.environ['AWS_ENDPOINT_URL']}/123456789012/q"

CALLS = {
    "ec2": lambda c: c.create_tags(Resources=["vol-1"], Tags=TAGS),
    "rds": lambda c: c.add_tags_to_resource(ResourceName="arn:aws:rds:eu-west-1:123456789012:db:d", Tags=TAGS),
    "iam": lambda c: c.list_role_tags(RoleName="r"),
    "s3": lambda c: c.put_bucket_tagging(Bucket="bucket", Tagging={"TagSet": TAGS}),
    "route53": lambda c: c.get_hosted_zone(Id="Z1"),
    "dynamodb": lambda c: c.describe_table(TableName="table"),
    "sqs": lambda c: c.tag_queue(QueueUrl=QUEUE, Tags={"a": "b"}),
    "eks": lambda c: c.tag_resource(resourceArn="arn:aws:eks:eu-west-1:123456789012:cluster/c", tags={"a": "b"}),
    # The only protocol of this service is CBOR.
    "eventbridgev2": lambda c: c.list_event_buses(),
}

CODES = {
    "throttled": {
        "ec2": "RequestLimitExceeded", "rds": "Throttling", "iam": "Throttling", "s3": "SlowDown",
        "route53": "Throttling", "dynamodb": "ThrottlingException", "sqs": "ThrottlingException",
        "eks": "TooManyRequestsException", "eventbridgev2": "ThrottlingException",
    },
    "unavailable": {
        "ec2": "Unavailable", "rds": "ServiceUnavailable", "iam": "ServiceUnavailable", "s3": "ServiceUnavailable",
        "route53": "ServiceUnavailable", "dynamodb": "ServiceUnavailableException",
        "sqs": "ServiceUnavailableException", "eks": "ServiceUnavailableException",
        "eventbridgev2": "ServiceUnavailableException",
    },
    "missing": {
        "ec2": "InvalidVolume.NotFound", "rds": "DBInstanceNotFound", "iam": "NoSuchEntity", "s3": "NoSuchBucket",
        "route53": "NoSuchHostedZone", "dynamodb": "ResourceNotFoundException", "sqs": "QueueDoesNotExist",
        "eks": "ResourceNotFoundException", "eventbridgev2": "ResourceNotFoundException",
    },
    "denied": dict.fromkeys(CALLS, "AccessDenied"),
}


def client(service, key):
    return boto3.client(service, aws_access_key_id=key, aws_secret_access_key="testing", config=ONCE)


for key, codes in CODES.items():
    for service, expected in codes.items():
        try:
            CALLS[service](client(service, key))
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            assert code == expected, f"{service}: {code}, not {expected}"
            if key == "denied":
                assert (status, message) == (403, "You <may> not & cannot"), f"{service}: {status} {message}"
            if key == "unavailable":
                assert status == 503, f"{service}: {status}"
        else:
            raise AssertionError(f"{service}: nothing went wrong")

for service, call in CALLS.items():
    try:
        call(client(service, "reset"))
    except (ConnectionClosedError, EndpointConnectionError):
        continue
    raise AssertionError(f"{service}: no reset")

# Not changed: moto's own answer.
client("ec2", "testing").describe_instances()
