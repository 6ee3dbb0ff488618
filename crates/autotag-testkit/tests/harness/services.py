"""Creates a resource in each service that the end-to-end tests use, and calls the routes that are added to moto."""

import io
import json
import zipfile

import boto3
from botocore.config import Config

ACCOUNT = "123456789012"
TAGS = [{"Key": "a", "Value": "b"}]


def client(service):
    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}))


def trust(service):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def code():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.py", "def h(e, c): pass")
    return packed.getvalue()


ec2 = client("ec2")
image = ec2.describe_images()["Images"][0]["ImageId"]
instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
ec2.create_tags(Resources=[instance], Tags=TAGS)
vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]

role = client("iam").create_role(RoleName="role", AssumeRolePolicyDocument=trust("lambda.amazonaws.com"))["Role"]["Arn"]
client("iam").create_user(UserName="user", Tags=TAGS)
assert client("iam").list_user_tags(UserName="user")["Tags"] == TAGS
client("sts").assume_role(RoleArn=role, RoleSessionName="session")

client("elb").create_load_balancer(
    LoadBalancerName="classic",
    Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
    AvailabilityZones=["eu-west-1a"],
)
client("elbv2").create_load_balancer(Name="second", Subnets=subnets)
client("ssm").put_parameter(Name="parameter", Value="v", Type="String")
client("ssm").create_document(
    Name="document",
    DocumentType="Command",
    Content=json.dumps({"schemaVersion": "2.2", "description": "d", "mainSteps": []}),
)
client("dynamodb").create_table(
    TableName="table",
    KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)
client("dynamodb").update_item(
    TableName="table",
    Key={"k": {"S": "x"}},
    UpdateExpression="SET v = :v",
    ConditionExpression="attribute_not_exists(k)",
    ExpressionAttributeValues={":v": {"S": "y"}},
)
rds = client("rds")
secret = {"MasterUsername": "user", "MasterUserPassword": "p12345678"}
rds.create_db_instance(
    DBInstanceIdentifier="db", DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20, **secret
)
rds.create_db_cluster(DBClusterIdentifier="cluster", Engine="aurora-postgresql", **secret)
client("lambda").create_function(
    FunctionName="function", Runtime="python3.12", Role=role, Handler="a.h", Code={"ZipFile": code()}
)
client("s3").create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
client("s3").put_object(Bucket="bucket", Key="key", Body=b"x" * 100_000)
assert len(client("s3").get_object(Bucket="bucket", Key="key")["Body"].read()) == 100_000
assert client("s3").head_object(Bucket="bucket", Key="key")["ContentLength"] == 100_000
client("s3").put_bucket_tagging(Bucket="bucket", Tagging={"TagSet": TAGS})
client("elasticache").create_cache_cluster(
    CacheClusterId="cache", Engine="redis", CacheNodeType="cache.t3.micro", NumCacheNodes=1
)
client("athena").create_work_group(Name="workgroup")
client("glue").create_database(DatabaseInput={"Name": "database"})
client("ecs").create_cluster(clusterName="cluster")
client("sns").create_topic(Name="topic")
queue = client("sqs").create_queue(QueueName="queue")["QueueUrl"]
client("sqs").tag_queue(QueueUrl=queue, Tags={"a": "b"})
client("secretsmanager").create_secret(Name="secret", SecretString="x")
client("efs").create_file_system(CreationToken="token")
client("cloudwatch").put_metric_alarm(
    AlarmName="alarm",
    ComparisonOperator="GreaterThanThreshold",
    EvaluationPeriods=1,
    MetricName="m",
    Namespace="n",
    Period=60,
    Statistic="Sum",
    Threshold=1,
)
client("logs").create_log_group(logGroupName="group")
client("autoscaling").create_launch_configuration(
    LaunchConfigurationName="configuration", ImageId=image, InstanceType="t3.micro"
)
client("autoscaling").create_auto_scaling_group(
    AutoScalingGroupName="group",
    LaunchConfigurationName="configuration",
    MinSize=0,
    MaxSize=1,
    AvailabilityZones=["eu-west-1a"],
)
client("kms").create_key()
client("ecr").create_repository(repositoryName="repository")
client("kinesis").create_stream(StreamName="stream", ShardCount=1)
client("stepfunctions").create_state_machine(
    name="machine",
    roleArn=role,
    definition=json.dumps({"StartAt": "a", "States": {"a": {"Type": "Succeed"}}}),
)
client("organizations").create_organization(FeatureSet="ALL")
client("organizations").create_account(Email="a@example.com", AccountName="account")
client("route53").create_hosted_zone(Name="example.com", CallerReference="reference")
client("events").put_rule(Name="rule", ScheduleExpression="rate(1 day)")
directory = client("ds").create_directory(
    Name="corp.example.com",
    Password="Passw0rd!",
    Size="Small",
    VpcSettings={"VpcId": vpc, "SubnetIds": subnets},
)["DirectoryId"]
client("workspaces").register_workspace_directory(DirectoryId=directory)
client("workspaces").create_workspaces(
    Workspaces=[{"DirectoryId": directory, "UserName": "user", "BundleId": "wsb-bh8rsxt14"}]
)
tagging = client("resourcegroupstaggingapi")
arns = ["arn:aws:s3:::bucket", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/{instance}"]
assert tagging.tag_resources(ResourceARNList=arns, Tags={"c": "d"})["FailedResourcesMap"] == {}
assert len(tagging.get_resources(TagFilters=[{"Key": "c"}])["ResourceTagMappingList"]) == 2

# The added routes.


def is_ours(answer):
    return answer["ResponseMetadata"]["HTTPHeaders"].get("x-answered-by") == "our-routes"


eks = client("eks")
cluster = eks.create_cluster(name="cluster", roleArn=role, resourcesVpcConfig={"subnetIds": subnets})["cluster"]["arn"]
nodes = eks.create_nodegroup(clusterName="cluster", nodegroupName="nodes", subnets=subnets, nodeRole=role)
nodes = nodes["nodegroup"]["nodegroupArn"]
assert not is_ours(eks.tag_resource(resourceArn=cluster, tags={"a": "b"})), "moto can tag clusters"
assert is_ours(eks.tag_resource(resourceArn=nodes, tags={"a": "b", "c": "d e+f"}))
eks.untag_resource(resourceArn=nodes, tagKeys=["a"])
assert eks.list_tags_for_resource(resourceArn=nodes)["tags"] == {"c": "d e+f"}

rds.create_global_cluster(GlobalClusterIdentifier="global", Engine="aurora-postgresql")
cluster = f"arn:aws:rds::{ACCOUNT}:global-cluster:global"
odd = {"Key": "c", "Value": "d & <e> + f"}
assert is_ours(rds.add_tags_to_resource(ResourceName=cluster, Tags=[*TAGS, odd]))
rds.remove_tags_from_resource(ResourceName=cluster, TagKeys=["a"])
assert rds.list_tags_for_resource(ResourceName=cluster)["TagList"] == [odd]
assert not is_ours(rds.list_tags_for_resource(ResourceName=f"arn:aws:rds:eu-west-1:{ACCOUNT}:db:db"))

ssm = client("ssm")
baseline = ssm.create_patch_baseline(Name="baseline")["BaselineId"]
item = ssm.create_ops_item(Title="title", Source="source", Description="d", Tags=[odd])
assert is_ours(item)
for kind, resource, before in (("PatchBaseline", baseline, []), ("OpsItem", item["OpsItemId"], [odd])):
    ssm.add_tags_to_resource(ResourceType=kind, ResourceId=resource, Tags=TAGS)
    assert ssm.list_tags_for_resource(ResourceType=kind, ResourceId=resource)["TagList"] == [*TAGS, *before]
    ssm.remove_tags_from_resource(ResourceType=kind, ResourceId=resource, TagKeys=["a"])
    assert ssm.list_tags_for_resource(ResourceType=kind, ResourceId=resource)["TagList"] == before
ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId="parameter", Tags=TAGS)
