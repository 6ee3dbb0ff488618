"""AWS resources in the moto emulator, for the end-to-end tests.

    python resources.py create    creates one resource of every documented type and prints a JSON line for each:
                                  {"label", "kind", "record", "read"} or {"label", "kind", "cannot"}
    python resources.py read      reads those lines and prints the tags of each resource, read with the service's
                                  own call: {"label", "kind", "tags"} or {"label", "kind", "cannot"}

`record` is the CloudTrail record of the call that created the resource: request and response in CloudTrail's
spelling. `read` identifies the resource for the verb `read`. `cannot` is the emulator's error.
For an instance, each of its volumes and network interfaces has a line of its own, labelled `EC2 instance: volume`
and `EC2 instance: network interface`. If one call creates several snapshots, each has a line.

AWS_ENDPOINT_URL is the emulator; AWS_REGION or AWS_DEFAULT_REGION is the region. Real credentials are never used.
"""

import io
import json
import os
import re
import sys
import uuid
import zipfile
from datetime import datetime, timezone
from functools import cache, partial
from urllib.parse import quote

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
from botocore.parsers import ResponseParserError

ACCOUNT = "123456789012"
REGION = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "eu-west-1"
# Names differ in every run, because an emulator may be used twice. `BASE` names resources that are not reported.
NAME = f"tests-{uuid.uuid4().hex[:6]}"
BASE = f"{NAME}-base"

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
# Members that CloudTrail masks, by event and member. None: the member is left out.
MASKS = {
    ("CreateDBCluster", "MasterUserPassword"): "****",
    ("CreateDBInstance", "MasterUserPassword"): "****",
    ("CreateKeyPair", "KeyMaterial"): "<sensitiveDataRemoved>",
    ("CreateOpsItem", "Description"): HIDDEN,
    ("CreateSecret", "SecretString"): None,
    ("CreateStateMachine", "definition"): HIDDEN,
    ("PutParameter", "Value"): HIDDEN,
}
# Event sources that differ from boto3's client name, and events that differ from the operation name.
SOURCES = {"cloudwatch": "monitoring", "efs": "elasticfilesystem", "stepfunctions": "states"}
SOURCES |= {"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing"}
EVENTS = {("lambda", "CreateFunction"): "CreateFunction20150331"}
# EC2 calls whose request and response are wrapped in `<Operation>Request` and `<Operation>Response`.
WRAPPED = {"CreateFlowLogs", "CreateLaunchTemplate", "CreateNatGateway", "CreateSnapshots"}
WRAPPED |= {"CreateTransitGateway", "CreateVpcEndpoint"}
# Services that answer with one structure, which the record leaves out.
BARE = {"elasticache", "rds"}


# Calls


@cache
def client(name):
    return boto3.client(
        name,
        region_name=REGION,
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def call(service, operation, path="", /, **params):
    """The answer of an operation, or its value at a path: `Instances.0.InstanceId`."""
    return dig(getattr(client(service), xform_name(operation))(**params), path)


def dig(value, path):
    for step in path.split(".") if path else []:
        value = value[int(step) if isinstance(value, list) else step]
    return value


def arn(service, rest):
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


# Records


def make(service, operation, request=None, /, **params):
    """The answer of a call, and its record. `request` replaces the parameters if they are not logged as they are sent."""
    answer = call(service, operation, **params)
    model = client(service).meta.service_model.operation_model(operation)
    record = envelope(service, operation)
    record["requestParameters"] = request or spelled_request(service, model, params)
    record["responseElements"] = spelled_answer(service, model, answer, record["requestID"]) or None
    if service in ("elb", "elbv2"):
        record["apiVersion"] = client(service).meta.service_model.api_version
    return answer, record


def envelope(service, operation):
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLEMARA000001",
            "arn": f"arn:aws:iam::{ACCOUNT}:user/mara",
            "accountId": ACCOUNT,
            "accessKeyId": "AKIAEXAMPLEMARA00001",
            "userName": "mara",
        },
        "eventTime": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{SOURCES.get(service, service)}.amazonaws.com",
        "eventName": EVENTS.get((service, operation), operation),
        "awsRegion": "us-east-1" if service == "iam" else REGION,
        "sourceIPAddress": "192.0.2.20",
        "userAgent": f"Boto3/{boto3.__version__}",
        "requestID": str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }


def spelled_request(service, model, params):
    wrapped = service == "ec2" and model.name in WRAPPED
    spelled = spell(masked(model.name, params), model.input_shape, "wrapped request" if wrapped else service)
    return {f"{model.name}Request": spelled} if wrapped else spelled


def spelled_answer(service, model, answer, request_id):
    if model.output_shape is None:
        return None
    wrapped = service == "ec2" and model.name in WRAPPED
    spelled = spell(masked(model.name, answer), model.output_shape, "wrapped answer" if wrapped else service)
    if service == "ec2":
        spelled = {"requestId": request_id} | spelled
    if wrapped:
        return {f"{model.name}Response": {"xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/"} | spelled}
    return next(iter(spelled.values())) if service in BARE else spelled


def masked(operation, members):
    shown = {name: MASKS.get((operation, name), value) for name, value in members.items()}
    return {name: value for name, value in shown.items() if value is not None}


def spell(value, shape, style):
    """A value of the API as CloudTrail writes it; the style is the service, or a wrapped part."""
    if shape.type_name == "structure":
        return {
            word(member.serialization.get("name", name), style): spell(value[name], member, style)
            for name, member in shape.members.items()
            if name in value and not isinstance(value[name], bytes)
        }
    if shape.type_name == "list":
        return listed([spell(one, shape.member, style) for one in value], style)
    if isinstance(value, datetime):
        return timed(value.astimezone(timezone.utc), style)
    # boto3 parses policy documents; AWS answers with text.
    return quote(json.dumps(value)) if shape.type_name == "string" and isinstance(value, dict) else value


def word(name, style):
    if style == "secretsmanager" and name.isupper():
        return name.lower()
    return name if style == "wrapped request" else name[:1].lower() + name[1:]


def listed(values, style):
    if style == "ec2":
        return {"items": values} if values else {}
    if style == "wrapped request":
        values = [one if isinstance(one, dict) else {"content": one} for one in values]
        values = [one | {"tag": number} for number, one in enumerate(values, 1)]
        return values[0] if len(values) == 1 else values
    if style == "wrapped answer":
        return {"item": values[0] if len(values) == 1 else values} if values else ""
    return values


def timed(moment, style):
    if style == "ec2":
        return int(moment.timestamp()) * 1000
    if style == "eks":
        return moment.timestamp()
    if style == "wrapped answer":
        return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return f"{moment:%b} {moment.day}, {moment.year}, {moment.hour % 12 or 12}:{moment:%M:%S %p}"


# Parameters


def allow(**parts):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow"} | parts]})


def archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("app.py", "def handler(event, context): pass")
    return file.getvalue()


TRUST = allow(Principal={"Service": "ec2.amazonaws.com"}, Action="sts:AssumeRole")
POLICY = allow(Action="logs:PutLogEvents", Resource="*")
HELLO = {"action": "aws:runShellScript", "name": "hello", "inputs": {"runCommand": ["echo hello"]}}
DOCUMENT = json.dumps({"schemaVersion": "2.2", "description": "says hello", "mainSteps": [HELLO]})
STATES = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
WINDOW = {"Schedule": "cron(0 2 ? * SUN *)", "Duration": 3, "Cutoff": 1, "AllowUnassociatedTargets": True}
TWO_DISKS = [{"DeviceName": name, "Ebs": {"VolumeSize": 8}} for name in ("/dev/sda1", "/dev/sdb")]
ONCE = {"MinCount": 1, "MaxCount": 1}
DISK = {"Architecture": "x86_64", "RootDeviceName": "/dev/xvda", "VirtualizationType": "hvm"}
S3 = f"com.amazonaws.{REGION}.s3"
CUSTOMER = {"Type": "ipsec.1", "BgpAsn": 65010, "IpAddress": "198.51.100.20"}
LISTENER = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstanceProtocol": "HTTP", "InstancePort": 8080}
PASSWORD = {"MasterUsername": "tests", "MasterUserPassword": "not-a-secret"}
DATABASE = {"DBInstanceClass": "db.t4g.micro", "Engine": "postgres", "AllocatedStorage": 20} | PASSWORD
AURORA = {"Engine": "aurora-postgresql"} | PASSWORD
REDIS = {"ReplicationGroupDescription": "tests", "Engine": "redis", "CacheNodeType": "cache.t4g.micro"}
MEMCACHED = {"Engine": "memcached", "CacheNodeType": "cache.t4g.micro", "NumCacheNodes": 1}
CONTAINERS = [{"name": "app", "image": "busybox", "memory": 64, "essential": True}]
IN_SETS = {"desiredCount": 1, "deploymentController": {"type": "EXTERNAL"}}
PYTHON = {"Runtime": "python3.13", "Handler": "app.handler", "Code": {"ZipFile": archive()}}
KEYED = {
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
METRIC = {"Namespace": "AWS/SQS", "MetricName": "ApproximateAgeOfOldestMessage", "Statistic": "Maximum"}
LIMIT = {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 600.0, "Period": 300, "EvaluationPeriods": 1}
# The location of a bucket. us-east-1 must be left out.
PLACE = {} if REGION == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": REGION}}


# Resources that others need: created once, not reported


def base(service, operation, parameter, **params):
    """The name of a resource that is called `BASE`."""
    call(service, operation, **{parameter: BASE}, **params)
    return BASE


@cache
def subnets():
    """Two subnets in two zones, with an internet gateway, as load balancers require."""
    gateway = call("ec2", "CreateInternetGateway", "InternetGateway.InternetGatewayId")
    call("ec2", "AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc())
    in_vpc = partial(call, "ec2", "CreateSubnet", "Subnet.SubnetId", VpcId=vpc())
    return [in_vpc(CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zones()[number]) for number in (0, 1)]


zones = cache(lambda: [zone["ZoneName"] for zone in call("ec2", "DescribeAvailabilityZones", "AvailabilityZones")])
subnet = cache(lambda: subnets()[0])
vpc = cache(lambda: call("ec2", "CreateVpc", "Vpc.VpcId", CidrBlock="10.0.0.0/16"))
other_vpc = cache(lambda: call("ec2", "CreateVpc", "Vpc.VpcId", CidrBlock="10.1.0.0/16"))
address = cache(lambda: call("ec2", "AllocateAddress", "AllocationId", Domain="vpc"))
image = cache(lambda: call("ec2", "DescribeImages", "Images.0.ImageId", Owners=["amazon"]))
machine = cache(lambda: {"ImageId": image(), "InstanceType": "t3.micro"})
launched = cache(lambda: machine() | ONCE | {"SubnetId": subnet(), "BlockDeviceMappings": TWO_DISKS})
instance = cache(lambda: call("ec2", "RunInstances", "Instances.0.InstanceId", **launched()))
volume = cache(lambda: call("ec2", "CreateVolume", "VolumeId", AvailabilityZone=zones()[0], Size=8))
snapshot = cache(lambda: call("ec2", "CreateSnapshot", "SnapshotId", VolumeId=volume()))
template = cache(lambda: base("ec2", "CreateLaunchTemplate", "LaunchTemplateName", LaunchTemplateData=machine()))
disks = cache(lambda: [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot(), "VolumeType": "gp3"}}])
latest = cache(lambda: {"LaunchTemplateName": template(), "Version": "$Latest"})
role = cache(lambda: call("iam", "CreateRole", "Role.Arn", RoleName=BASE, AssumeRolePolicyDocument=TRUST))
bucket = cache(lambda: base("s3", "CreateBucket", "Bucket", **PLACE))
table = cache(lambda: base("dynamodb", "CreateTable", "TableName", **KEYED))
files = cache(lambda: call("efs", "CreateFileSystem", "FileSystemId", CreationToken=BASE))
db_instance = cache(lambda: base("rds", "CreateDBInstance", "DBInstanceIdentifier", **DATABASE))
db_cluster = cache(lambda: base("rds", "CreateDBCluster", "DBClusterIdentifier", **AURORA))
caches = cache(lambda: base("elasticache", "CreateReplicationGroup", "ReplicationGroupId", **REDIS))
saved = cache(lambda: base("elasticache", "CreateSnapshot", "SnapshotName", ReplicationGroupId=caches()))
cluster = cache(lambda: base("ecs", "CreateCluster", "clusterName"))
task = cache(lambda: base("ecs", "RegisterTaskDefinition", "family", containerDefinitions=CONTAINERS))
task_sets = cache(lambda: base("ecs", "CreateService", "serviceName", cluster=cluster(), **IN_SETS))
network = cache(lambda: {"subnetIds": subnets()})
eks = cache(lambda: base("eks", "CreateCluster", "name", roleArn=role(), resourcesVpcConfig=network()))


# Creations that are more than one call and its record


def run_instances():
    answer, record = make("ec2", "RunInstances", **launched())
    request, launching = record["requestParameters"], record["responseElements"]["instancesSet"]["items"]
    moved = {name: request.pop(name) for name in ("imageId", "minCount", "maxCount")}
    request["instancesSet"] = {"items": [moved]}
    launching[0]["blockDeviceMapping"] = {}  # As in AWS's answer: the volumes are attached later.
    return record, [answer["Instances"][0]["InstanceId"]]


def create_volume():
    request = {"size": "8", "zone": zones()[0], "volumeType": "gp3"}
    answer, record = make("ec2", "CreateVolume", request, AvailabilityZone=zones()[0], Size=8, VolumeType="gp3")
    return record, [answer["VolumeId"]]


def create_snapshots():
    answer, record = make("ec2", "CreateSnapshots", InstanceSpecification={"InstanceId": instance()})
    return record, [made["SnapshotId"] for made in answer["Snapshots"]]


def create_bucket():
    request = {"bucketName": NAME, "Host": f"s3.{REGION}.amazonaws.com"}
    for name, value in PLACE.items():
        request[name] = {"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"} | value
    _, record = make("s3", "CreateBucket", request, Bucket=NAME, **PLACE)
    return record | {"responseElements": None, "resources": [logged_bucket(NAME)]}, [NAME]


def logged_bucket(name):
    return {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{name}"}


def write_object(operation, key, logged, **params):
    """A data event. `logged` is added to bucket and key in its request."""
    request = {"bucketName": bucket(), "Host": f"{bucket()}.s3.{REGION}.amazonaws.com", "key": key} | logged
    _, record = make("s3", operation, request, Bucket=bucket(), Key=key, **params)
    written = {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket()}/{key}"}
    of_data = {
        "responseElements": {"x-amz-server-side-encryption": "AES256"},
        "resources": [written, logged_bucket(bucket())],
        "managementEvent": False,
        "eventCategory": "Data",
    }
    return record | of_data, [bucket(), key]


put_object = partial(write_object, "PutObject", "put.txt", {}, Body=b"x")


def copy_object():
    call("s3", "PutObject", Bucket=bucket(), Key="source.txt", Body=b"x")
    source = f"{bucket()}/source.txt"
    return write_object("CopyObject", "copy.txt", {"x-amz-copy-source": source}, CopySource=source)


def complete_upload():
    where = {"Bucket": bucket(), "Key": "parts.txt"}
    upload = call("s3", "CreateMultipartUpload", "UploadId", **where)
    etag = call("s3", "UploadPart", "ETag", UploadId=upload, PartNumber=1, Body=b"x", **where)
    params = {"UploadId": upload, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": etag}]}}
    return write_object("CompleteMultipartUpload", where["Key"], {"uploadId": upload}, **params)


# Reads of tags


def pairs(tags):
    """Tags as a map, from a map, from None, or from a list with Key and Value, key and value, or TagKey and TagValue."""
    if isinstance(tags, dict):
        return tags
    parts = [{name.lower().removeprefix("tag"): part for name, part in tag.items()} for tag in tags or []]
    return {tag["key"]: tag.get("value", "") for tag in parts}


def reader(service, operation, parameter, path, **params):
    """A read by one token. If the last step of the path is missing, there are no tags."""
    way, _, last = path.rpartition(".")
    return lambda token: pairs(call(service, operation, way, **{parameter: token}, **params).get(last))


def ssm_reader(kind):
    return reader("ssm", "ListTagsForResource", "ResourceId", "TagList", ResourceType=kind)


def filtered_tags(service, name, value):
    return pairs(call(service, "DescribeTags", "Tags", Filters=[{"Name": name, "Values": [value]}]))


ec2_tags = partial(filtered_tags, "ec2", "resource-id")


def instance_tags(resource):
    """The tags of the instance, and of its volumes and network interfaces."""
    attached = [{"Name": "attachment.instance-id", "Values": [resource]}]
    volumes = call("ec2", "DescribeVolumes", "Volumes", Filters=attached)
    cards = call("ec2", "DescribeNetworkInterfaces", "NetworkInterfaces", Filters=attached)
    found = [("EC2 instance", "AWS::EC2::Instance", resource)]
    found += [("EC2 instance: volume", "AWS::EC2::Volume", each["VolumeId"]) for each in volumes]
    label, kind = "EC2 instance: network interface", "AWS::EC2::NetworkInterface"
    found += [(label, kind, each["NetworkInterfaceId"]) for each in cards]
    return [{"label": label, "kind": kind, "tags": ec2_tags(each)} for label, kind, each in found]


def snapshots_tags(*resources):
    return [{"tags": ec2_tags(each)} for each in resources]


def object_tags(bucket_name, key):
    return pairs(call("s3", "GetObjectTagging", "TagSet", Bucket=bucket_name, Key=key))


def bucket_tags(name):
    try:
        return pairs(call("s3", "GetBucketTagging", "TagSet", Bucket=name))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchTagSet":
            return {}
        raise


READS = {
    "athena": reader("athena", "ListTagsForResource", "ResourceARN", "Tags"),
    "autoscaling": lambda name: filtered_tags("autoscaling", "auto-scaling-group", name),
    "cloudwatch": reader("cloudwatch", "ListTagsForResource", "ResourceARN", "Tags"),
    "dynamodb": reader("dynamodb", "ListTagsOfResource", "ResourceArn", "Tags"),
    "ec2": ec2_tags,
    "ecr": reader("ecr", "ListTagsForResource", "resourceArn", "tags"),
    "ecs": reader("ecs", "ListTagsForResource", "resourceArn", "tags"),
    "efs": reader("efs", "ListTagsForResource", "ResourceId", "Tags"),
    "eks": reader("eks", "ListTagsForResource", "resourceArn", "tags"),
    "elasticache": reader("elasticache", "ListTagsForResource", "ResourceName", "TagList"),
    "elb": lambda name: pairs(call("elb", "DescribeTags", "TagDescriptions.0.Tags", LoadBalancerNames=[name])),
    "elbv2": lambda arn: pairs(call("elbv2", "DescribeTags", "TagDescriptions.0.Tags", ResourceArns=[arn])),
    "glue": reader("glue", "GetTags", "ResourceArn", "Tags"),
    "kinesis": reader("kinesis", "ListTagsForStream", "StreamName", "Tags"),
    "kms": reader("kms", "ListResourceTags", "KeyId", "Tags"),
    "lambda": reader("lambda", "ListTags", "Resource", "Tags"),
    "logs": reader("logs", "ListTagsForResource", "resourceArn", "tags"),
    "rds": reader("rds", "ListTagsForResource", "ResourceName", "TagList"),
    "secretsmanager": reader("secretsmanager", "DescribeSecret", "SecretId", "Tags"),
    "sns": reader("sns", "ListTagsForResource", "ResourceArn", "Tags"),
    "sqs": reader("sqs", "ListQueueTags", "QueueUrl", "Tags"),
    "stepfunctions": reader("stepfunctions", "ListTagsForResource", "resourceArn", "tags"),
    # Some services have one read for each kind, by label.
    "IAM instance profile": reader("iam", "GetInstanceProfile", "InstanceProfileName", "InstanceProfile.Tags"),
    "IAM policy": reader("iam", "ListPolicyTags", "PolicyArn", "Tags"),
    "IAM role": reader("iam", "ListRoleTags", "RoleName", "Tags"),
    "IAM user": reader("iam", "ListUserTags", "UserName", "Tags"),
    "SSM document": ssm_reader("Document"),
    "SSM maintenance window": ssm_reader("MaintenanceWindow"),
    "SSM OpsItem": ssm_reader("OpsItem"),
    "SSM parameter": ssm_reader("Parameter"),
    "SSM patch baseline": ssm_reader("PatchBaseline"),
}


# The resources: (label, kind, creation, read)


def one(label, kind, service, operation, /, by="", of=None, **params):
    """The resource that one call creates. A parameter that needs another resource is a function. The read uses the
    value at the path `by` of the answer, or the token `of`."""

    def create():
        given = {name: value() if callable(value) else value for name, value in params.items()}
        answer, record = make(service, operation, **given)
        return record, [of or dig(answer, by)]

    return label, kind, create, READS.get(label) or READS[service]


def ec2(label, kind, operation, by, /, **params):
    return one(label, f"AWS::EC2::{kind}", "ec2", operation, by, **params)


RESOURCES = [
    ("EC2 instance", "AWS::EC2::Instance", run_instances, instance_tags),
    ("EC2 volume", "AWS::EC2::Volume", create_volume, ec2_tags),
    ec2("EC2 image: create", "Image", "CreateImage", "ImageId", InstanceId=instance, Name=NAME),
    ec2("EC2 image: copy", "Image", "CopyImage", "ImageId", SourceRegion=REGION, SourceImageId=image, Name=BASE),
    ec2("EC2 image: register", "Image", "RegisterImage", "ImageId",
        Name=f"{NAME}-disk", BlockDeviceMappings=disks, **DISK),
    ec2("EC2 snapshot: create", "Snapshot", "CreateSnapshot", "SnapshotId", VolumeId=volume),
    ec2("EC2 snapshot: copy", "Snapshot", "CopySnapshot", "SnapshotId",
        SourceRegion=REGION, SourceSnapshotId=snapshot),
    ("EC2 snapshot: multi", "AWS::EC2::Snapshot", create_snapshots, snapshots_tags),
    ec2("security group", "SecurityGroup", "CreateSecurityGroup", "GroupId",
        GroupName=NAME, Description="x", VpcId=vpc),
    ec2("network ACL", "NetworkAcl", "CreateNetworkAcl", "NetworkAcl.NetworkAclId", VpcId=vpc),
    ec2("elastic IP", "EIP", "AllocateAddress", "AllocationId", Domain="vpc"),
    ec2("network interface", "NetworkInterface", "CreateNetworkInterface", "NetworkInterface.NetworkInterfaceId",
        SubnetId=subnet),
    ec2("launch template", "LaunchTemplate", "CreateLaunchTemplate", "LaunchTemplate.LaunchTemplateId",
        LaunchTemplateName=NAME, LaunchTemplateData=machine),
    ec2("key pair", "KeyPair", "CreateKeyPair", "KeyPairId", KeyName=NAME),
    ec2("VPC", "VPC", "CreateVpc", "Vpc.VpcId", CidrBlock="10.2.0.0/16"),
    ec2("subnet", "Subnet", "CreateSubnet", "Subnet.SubnetId", VpcId=vpc, CidrBlock="10.0.8.0/24"),
    ec2("internet gateway", "InternetGateway", "CreateInternetGateway", "InternetGateway.InternetGatewayId"),
    ec2("NAT gateway", "NatGateway", "CreateNatGateway", "NatGateway.NatGatewayId",
        SubnetId=subnet, AllocationId=address),
    ec2("transit gateway", "TransitGateway", "CreateTransitGateway", "TransitGateway.TransitGatewayId",
        Description="x"),
    ec2("customer gateway", "CustomerGateway", "CreateCustomerGateway", "CustomerGateway.CustomerGatewayId",
        **CUSTOMER),
    ec2("VPN gateway", "VPNGateway", "CreateVpnGateway", "VpnGateway.VpnGatewayId", Type="ipsec.1"),
    ec2("VPC endpoint", "VPCEndpoint", "CreateVpcEndpoint", "VpcEndpoint.VpcEndpointId", VpcId=vpc, ServiceName=S3),
    ec2("route table", "RouteTable", "CreateRouteTable", "RouteTable.RouteTableId", VpcId=vpc),
    ec2("peering connection", "VPCPeeringConnection", "CreateVpcPeeringConnection",
        "VpcPeeringConnection.VpcPeeringConnectionId", VpcId=vpc, PeerVpcId=other_vpc),
    ec2("flow log", "FlowLog", "CreateFlowLogs", "FlowLogIds.0", ResourceType="VPC", ResourceIds=lambda: [vpc()],
        TrafficType="ALL", LogDestinationType="s3", LogDestination=lambda: f"arn:aws:s3:::{bucket()}"),
    one("classic load balancer", "AWS::ElasticLoadBalancing::LoadBalancer", "elb", "CreateLoadBalancer",
        of=NAME, LoadBalancerName=NAME, Listeners=[LISTENER], Subnets=subnets),
    one("application load balancer", "AWS::ElasticLoadBalancingV2::LoadBalancer", "elbv2", "CreateLoadBalancer",
        "LoadBalancers.0.LoadBalancerArn", Name=f"{NAME}-app", Type="application", Subnets=subnets),
    one("network load balancer", "AWS::ElasticLoadBalancingV2::LoadBalancer", "elbv2", "CreateLoadBalancer",
        "LoadBalancers.0.LoadBalancerArn", Name=f"{NAME}-net", Type="network", Subnets=subnets),
    one("target group", "AWS::ElasticLoadBalancingV2::TargetGroup", "elbv2", "CreateTargetGroup",
        "TargetGroups.0.TargetGroupArn", Name=NAME, Protocol="HTTP", Port=8080, VpcId=vpc),
    one("SSM document", "AWS::SSM::Document", "ssm", "CreateDocument",
        of=NAME, Name=NAME, DocumentType="Command", Content=DOCUMENT),
    one("SSM parameter", "AWS::SSM::Parameter", "ssm", "PutParameter",
        of=f"/{NAME}/x", Name=f"/{NAME}/x", Value="x", Type="String"),
    one("SSM OpsItem", "AWS::SSM::OpsItem", "ssm", "CreateOpsItem", "OpsItemId",
        Title=NAME, Description="x", Source="tests"),
    one("SSM patch baseline", "AWS::SSM::PatchBaseline", "ssm", "CreatePatchBaseline", "BaselineId", Name=NAME),
    one("SSM maintenance window", "AWS::SSM::MaintenanceWindow", "ssm", "CreateMaintenanceWindow", "WindowId",
        Name=NAME, **WINDOW),
    one("DynamoDB table", "AWS::DynamoDB::Table", "dynamodb", "CreateTable", "TableDescription.TableArn",
        TableName=NAME, **KEYED),
    one("DynamoDB global table", "AWS::DynamoDB::GlobalTable", "dynamodb", "CreateGlobalTable",
        of=arn("dynamodb", f"table/{BASE}"), GlobalTableName=table, ReplicationGroup=[{"RegionName": REGION}]),
    one("DynamoDB backup", "AWS::DynamoDB::Backup", "dynamodb", "CreateBackup", "BackupDetails.BackupArn",
        TableName=table, BackupName=NAME),
    one("RDS instance", "AWS::RDS::DBInstance", "rds", "CreateDBInstance", "DBInstance.DBInstanceArn",
        DBInstanceIdentifier=NAME, **DATABASE),
    one("RDS read replica", "AWS::RDS::DBInstance", "rds", "CreateDBInstanceReadReplica", "DBInstance.DBInstanceArn",
        DBInstanceIdentifier=f"{NAME}-replica", SourceDBInstanceIdentifier=db_instance),
    one("RDS snapshot", "AWS::RDS::DBSnapshot", "rds", "CreateDBSnapshot", "DBSnapshot.DBSnapshotArn",
        DBInstanceIdentifier=db_instance, DBSnapshotIdentifier=NAME),
    one("RDS cluster", "AWS::RDS::DBCluster", "rds", "CreateDBCluster", "DBCluster.DBClusterArn",
        DBClusterIdentifier=NAME, **AURORA),
    one("RDS cluster snapshot", "AWS::RDS::ClusterSnapshot", "rds", "CreateDBClusterSnapshot",
        "DBClusterSnapshot.DBClusterSnapshotArn", DBClusterIdentifier=db_cluster, DBClusterSnapshotIdentifier=NAME),
    one("RDS global cluster", "AWS::RDS::GlobalCluster", "rds", "CreateGlobalCluster",
        "GlobalCluster.GlobalClusterArn", GlobalClusterIdentifier=NAME, Engine="aurora-postgresql"),
    one("Lambda function", "AWS::Lambda::Function", "lambda", "CreateFunction", "FunctionArn",
        FunctionName=NAME, Role=role, **PYTHON),
    ("S3 bucket", "AWS::S3::Bucket", create_bucket, bucket_tags),
    ("S3 object: PutObject", "AWS::S3::Object", put_object, object_tags),
    ("S3 object: CopyObject", "AWS::S3::Object", copy_object, object_tags),
    ("S3 object: CompleteMultipartUpload", "AWS::S3::Object", complete_upload, object_tags),
    one("ElastiCache cluster", "AWS::ElastiCache::CacheCluster", "elasticache", "CreateCacheCluster",
        "CacheCluster.ARN", CacheClusterId=NAME, **MEMCACHED),
    one("ElastiCache replication group", "AWS::ElastiCache::ReplicationGroup", "elasticache",
        "CreateReplicationGroup", "ReplicationGroup.ARN", ReplicationGroupId=NAME, **REDIS),
    one("ElastiCache snapshot: create", "AWS::ElastiCache::Snapshot", "elasticache", "CreateSnapshot",
        "Snapshot.ARN", ReplicationGroupId=caches, SnapshotName=NAME),
    one("ElastiCache snapshot: copy", "AWS::ElastiCache::Snapshot", "elasticache", "CopySnapshot",
        "Snapshot.ARN", SourceSnapshotName=saved, TargetSnapshotName=f"{NAME}-copy"),
    one("Athena work group", "AWS::Athena::WorkGroup", "athena", "CreateWorkGroup",
        of=arn("athena", f"workgroup/{NAME}"), Name=NAME),
    one("Athena data catalog", "AWS::Athena::DataCatalog", "athena", "CreateDataCatalog",
        of=arn("athena", f"datacatalog/{NAME}"), Name=NAME, Type="GLUE", Parameters={"catalog-id": ACCOUNT}),
    one("Glue database", "AWS::Glue::Database", "glue", "CreateDatabase",
        of=arn("glue", f"database/{NAME}"), DatabaseInput={"Name": NAME}),
    one("Glue job", "AWS::Glue::Job", "glue", "CreateJob",
        of=arn("glue", f"job/{NAME}"), Name=NAME, Role=role, Command={"Name": "glueetl"}),
    one("Glue crawler", "AWS::Glue::Crawler", "glue", "CreateCrawler",
        of=arn("glue", f"crawler/{NAME}"), Name=NAME, Role=role, Targets={"S3Targets": [{"Path": "s3://tests/"}]}),
    one("Glue trigger", "AWS::Glue::Trigger", "glue", "CreateTrigger",
        of=arn("glue", f"trigger/{NAME}"), Name=NAME, Type="ON_DEMAND", Actions=[{"JobName": NAME}]),
    one("Glue workflow", "AWS::Glue::Workflow", "glue", "CreateWorkflow",
        of=arn("glue", f"workflow/{NAME}"), Name=NAME),
    one("ECS cluster", "AWS::ECS::Cluster", "ecs", "CreateCluster", "cluster.clusterArn", clusterName=NAME),
    one("ECS service", "AWS::ECS::Service", "ecs", "CreateService", "service.serviceArn",
        cluster=cluster, serviceName=NAME, taskDefinition=task, desiredCount=1),
    one("ECS task set", "AWS::ECS::TaskSet", "ecs", "CreateTaskSet", "taskSet.taskSetArn",
        cluster=cluster, service=task_sets, taskDefinition=task, launchType="FARGATE"),
    one("ECS task definition", "AWS::ECS::TaskDefinition", "ecs", "RegisterTaskDefinition",
        "taskDefinition.taskDefinitionArn", family=NAME, containerDefinitions=CONTAINERS),
    one("EKS cluster", "AWS::EKS::Cluster", "eks", "CreateCluster", "cluster.arn",
        name=NAME, roleArn=role, resourcesVpcConfig=network),
    one("EKS node group", "AWS::EKS::Nodegroup", "eks", "CreateNodegroup", "nodegroup.nodegroupArn",
        clusterName=eks, nodegroupName=NAME, nodeRole=role, subnets=subnets),
    one("SNS topic", "AWS::SNS::Topic", "sns", "CreateTopic", "TopicArn", Name=NAME),
    one("SQS queue", "AWS::SQS::Queue", "sqs", "CreateQueue", "QueueUrl", QueueName=NAME),
    one("Secrets Manager secret", "AWS::SecretsManager::Secret", "secretsmanager", "CreateSecret", "ARN",
        Name=NAME, SecretString="not-a-secret"),
    one("EFS file system", "AWS::EFS::FileSystem", "efs", "CreateFileSystem", "FileSystemId", CreationToken=NAME),
    one("EFS access point", "AWS::EFS::AccessPoint", "efs", "CreateAccessPoint", "AccessPointId",
        ClientToken=NAME, FileSystemId=files),
    one("IAM role", "AWS::IAM::Role", "iam", "CreateRole", of=NAME, RoleName=NAME, AssumeRolePolicyDocument=TRUST),
    one("IAM user", "AWS::IAM::User", "iam", "CreateUser", of=NAME, UserName=NAME),
    one("IAM policy", "AWS::IAM::ManagedPolicy", "iam", "CreatePolicy", "Policy.Arn",
        PolicyName=NAME, PolicyDocument=POLICY),
    one("IAM instance profile", "AWS::IAM::InstanceProfile", "iam", "CreateInstanceProfile",
        of=NAME, InstanceProfileName=NAME),
    one("CloudWatch alarm", "AWS::CloudWatch::Alarm", "cloudwatch", "PutMetricAlarm",
        of=arn("cloudwatch", f"alarm:{NAME}"), AlarmName=NAME, **METRIC, **LIMIT),
    one("CloudWatch log group", "AWS::Logs::LogGroup", "logs", "CreateLogGroup",
        of=arn("logs", f"log-group:/{NAME}"), logGroupName=f"/{NAME}"),
    one("Auto Scaling group", "AWS::AutoScaling::AutoScalingGroup", "autoscaling", "CreateAutoScalingGroup",
        of=NAME, AutoScalingGroupName=NAME, MinSize=0, MaxSize=1, LaunchTemplate=latest, VPCZoneIdentifier=subnet),
    one("KMS key", "AWS::KMS::Key", "kms", "CreateKey", "KeyMetadata.Arn", Description="tests"),
    one("ECR repository", "AWS::ECR::Repository", "ecr", "CreateRepository", "repository.repositoryArn",
        repositoryName=NAME),
    one("Kinesis stream", "AWS::Kinesis::Stream", "kinesis", "CreateStream", of=NAME, StreamName=NAME, ShardCount=1),
    one("Step Functions state machine", "AWS::StepFunctions::StateMachine", "stepfunctions", "CreateStateMachine",
        "stateMachineArn", name=NAME, definition=STATES, roleArn=role),
]


# The program


def told(label, kind, act, *given):
    """Prints a JSON line for each result of `act`, or its error."""
    try:
        lines = act(*given)
    except (ConnectionError, HTTPClientError):
        raise  # There is no emulator.
    except (BotoCoreError, ClientError, ResponseParserError) as error:
        lines = [{"cannot": why(error)}]
    for line in lines:
        print(json.dumps({"label": label, "kind": kind} | line), flush=True)


def why(error):
    """An internal error of the emulator is an HTML page."""
    page = re.search("<title>(.*?)</title>", str(error))
    return page[1] if page else str(error)


def create_one(create):
    record, tokens = create()
    return [{"record": record, "read": tokens}]


def read_one(line, read):
    if "cannot" in line:
        return [{"cannot": line["cannot"]}]
    found = read(*line["read"])
    return found if isinstance(found, list) else [{"tags": found}]


def main(arguments):
    if arguments not in (["create"], ["read"]):
        sys.exit("usage: resources.py create|read")
    if not os.environ.get("AWS_ENDPOINT_URL"):
        sys.exit("AWS_ENDPOINT_URL is not set: resources are created in an emulator only")
    if arguments == ["create"]:
        # The user of all calls. The user's tag is copied to all resources.
        client("iam").create_user(UserName="mara", Tags=[{"Key": "CostCenter", "Value": "4711"}])
        for label, kind, create, _ in RESOURCES:
            told(label, kind, create_one, create)
    else:
        reads = {label: read for label, _, _, read in RESOURCES}
        for line in map(json.loads, sys.stdin):
            told(line["label"], line["kind"], read_one, line, reads[line["label"]])


if __name__ == "__main__":
    main(sys.argv[1:])
