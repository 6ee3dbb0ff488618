"""What a person does with the templates, and what AWS does between the links: `stacks.py COMMAND ...`, over an emulator."""

import io
import json
import os
import re
import sys
import zipfile

import boto3

HUB, REGION = "eu-west-1", "eu-central-1"
# us-east-1 is a region as any other, and there the global endpoint of STS is recorded.
REGIONS = [REGION, "us-east-1"]

# What moto's CloudFormation cannot do, written so that it can. None of it changes a link that moto emulates.
MOTO = [
    # It has no aliases: mappings call the function itself. The alias is made afterwards.
    ("FunctionName: !Ref TagHandlerLive", "FunctionName: !Ref TagHandler"),
    ("FunctionName: !Ref SessionHandlerLive", "FunctionName: !Ref SessionHandler"),
    # It has no numbers of versions to give out.
    ("!GetAtt TagHandlerVersion.Version]", "1]"),
    ("!GetAtt SessionHandlerVersion.Version]", "1]"),
    # It takes a group for that of a FIFO queue, and sends nothing to another one.
    ("          SqsParameters: {MessageGroupId: $.account}\n", ""),
    # It refuses ARNs that IAM takes.
    ("s3:*:${AWS::AccountId}:access-grants", "s3:::access-grants"),
    ("s3:*:${AWS::AccountId}:storage-lens", "s3:::storage-lens"),
    ("s3:*:${AWS::AccountId}:job", "s3:::job"),
    ("iam::${AWS::AccountId}:*", "iam::${AWS::AccountId}:role/*"),
]

# Nor policies of a role that are there under a condition, none of which holds here.
CONDITIONAL = re.compile(r" {8}- !If\n {10}- \w+\n {10}- PolicyName:.*\n(?: {12}.*\n)+ {10}- !Ref AWS::NoValue\n")


def client(service, region=HUB):
    return boto3.client(service, region_name=region, endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def template(folder, name):
    with open(os.path.join(folder, name + ".yaml")) as file:
        text = file.read()
    for ours, theirs in MOTO:
        text = text.replace(ours, theirs)
    return CONDITIONAL.sub("", text)


def stack(folder, name, region, called=None, **parameters):
    text = template(folder, name)
    called = called or "autotag-" + name
    formation = client("cloudformation", region)
    formation.create_stack(
        StackName=called,
        TemplateBody=text,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    made = formation.describe_stacks(StackName=called)["Stacks"][0]
    assert made["StackStatus"] == "CREATE_COMPLETE", made
    resources = formation.list_stack_resources(StackName=called)["StackResourceSummaries"]
    # What moto cannot make has no name there.
    here = [resource["LogicalResourceId"] for resource in resources if resource.get("ResourceType")]
    return {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}, here


def function(name, queue):
    lambdas = client("lambda")
    # moto's own poller would start the function in a container: here the test brings the messages.
    mappings = lambdas.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    for mapping in mappings:
        lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    versions = lambdas.list_versions_by_function(FunctionName=name)["Versions"]
    lambdas.create_alias(FunctionName=name, Name="live", FunctionVersion=versions[-1]["Version"])
    configuration = lambdas.get_function_configuration(FunctionName=name)
    return {
        "environment": configuration["Environment"]["Variables"],
        "timeout": configuration["Timeout"],
        "versions": [version["Version"] for version in versions],
        "mappings": [
            {key: mapping.get(key) for key in ["EventSourceArn", "BatchSize", "FunctionResponseTypes", "ScalingConfig"]}
            for mapping in mappings
        ],
        "queue": queue,
        "visibility": client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"],
    }


def prepare(*keys):
    """The code bucket with packages, and people and roles of the account."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("bootstrap", "the test runs the binary itself")
    s3 = client("s3")
    s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": HUB})
    for key in keys:
        s3.put_object(Bucket="code", Key=key, Body=package.getvalue())
    for user in ["mara", "victor"]:
        client("iam").create_user(UserName=user)
    client("iam").create_role(RoleName="ops", AssumeRolePolicyDocument="{}")


def create(folder):
    prepare("function.zip")
    common = {"CodeBucket": "code", "Release": "1"}
    hub, made = stack(folder, "hub", HUB, TagHandlerKey="function.zip", **common)
    session, more = stack(folder, "session", HUB, SessionHandlerKey="function.zip", **common)
    for region in REGIONS:
        _, regional = stack(folder, "region", region, HubBusArn=hub["BusArn"])
    return {
        "tag": function("autotag-tag-handler", hub["TagQueueUrl"]),
        "session": function("autotag-session-handler", session["SessionQueueUrl"]),
        "made": sorted(made + more + regional),
        "outputs": hub,
    }


def put(region):
    """A record on stdin, as CloudTrail puts it on the default bus of a region."""
    record = json.load(sys.stdin)
    source = "aws." + record["eventSource"].split(".")[0]
    entry = {"Source": source, "DetailType": "AWS API Call via CloudTrail", "Detail": json.dumps(record)}
    answer = client("events", region).put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0, answer
    return {}


def as_sent(body, account):
    """moto leaves the account out of what it sends on, without which the event is not believed."""
    event = json.loads(body)
    assert "account" not in event, event
    return json.dumps({**event, "account": account})


def receive(queue, account="123456789012"):
    """The messages of a queue, as Lambda brings them."""
    messages = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, AttributeNames=["All"])
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": as_sent(message["Body"], account),
                "attributes": message["Attributes"],
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:" + HUB + ":123456789012:" + queue.rsplit("/")[-1],
                "awsRegion": HUB,
            }
            for message in messages.get("Messages", [])
        ]
    }


def volume():
    return {"id": client("ec2", REGION).create_volume(AvailabilityZone=REGION + "a", Size=1)["VolumeId"]}


def tags(volume_id):
    volumes = client("ec2", REGION).describe_volumes(VolumeIds=[volume_id])["Volumes"]
    return {tag["Key"]: tag["Value"] for tag in volumes[0].get("Tags", [])}


if __name__ == "__main__":
    commands = {"create": create, "put": put, "receive": receive, "volume": volume, "tags": tags}
    json.dump(commands[sys.argv[1]](*sys.argv[2:]), sys.stdout)
