"""What `handler.rs` is compared with: a Lambda handler that tags EC2 resources, written as such handlers usually are.

One event after the other, one chain of ifs, the calls where they are needed. Below it stands the least of a Lambda
runtime, with the one connection that Lambda's own keeps. It needs boto3, and nothing else.
"""

import json
import os
import traceback
from http.client import HTTPConnection

import boto3

ec2 = boto3.client("ec2")
iam = boto3.client("iam")


def user_of(identity):
    if identity["type"] == "IAMUser":
        return identity["userName"]
    return identity["principalId"].split(":")[-1]


def tags_of_principal(identity):
    if identity["type"] == "IAMUser":
        return iam.list_user_tags(UserName=identity["userName"])["Tags"]
    if identity["type"] == "AssumedRole":
        role = identity["sessionContext"]["sessionIssuer"]["userName"]
        return iam.list_role_tags(RoleName=role)["Tags"]
    return []


def ids_of_instances(response):
    ids = [item["instanceId"] for item in response["instancesSet"]["items"]]
    found = ec2.describe_instances(InstanceIds=ids)
    for reservation in found["Reservations"]:
        for instance in reservation["Instances"]:
            for mapping in instance.get("BlockDeviceMappings", []):
                ids.append(mapping["Ebs"]["VolumeId"])
            for interface in instance.get("NetworkInterfaces", []):
                ids.append(interface["NetworkInterfaceId"])
    return ids


def tag(detail):
    name = detail["eventName"]
    identity = detail["userIdentity"]
    response = detail.get("responseElements")
    if not response or detail.get("errorCode"):
        print(f"{name}: nothing was created")
        return

    if name == "RunInstances":
        ids = ids_of_instances(response)
    elif name == "CreateVolume":
        ids = [response["volumeId"]]
    elif name == "CreateSnapshot":
        ids = [response["snapshotId"]]
    elif name == "CreateImage":
        ids = [response["imageId"]]
    elif name == "CreateSecurityGroup":
        ids = [response["groupId"]]
    else:
        print(f"{name}: not supported")
        return

    tags = [
        {"Key": "Owner", "Value": user_of(identity)},
        {"Key": "PrincipalId", "Value": identity["principalId"]},
        {"Key": "CreatedBy", "Value": identity["arn"]},
    ]
    ours = {"Owner", "PrincipalId", "CreatedBy"}
    tags += [one for one in tags_of_principal(identity) if one["Key"] not in ours]
    ec2.create_tags(Resources=ids, Tags=tags)
    print(f"{name}: tagged {ids}")


def lambda_handler(event, context):
    if "Records" not in event:
        tag(event["detail"])
        return None
    failures = []
    for message in event["Records"]:
        try:
            tag(json.loads(message["body"])["detail"])
        except Exception:
            traceback.print_exc()
            failures.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failures}


def serve():
    runtime = HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    invocations = "/2018-06-01/runtime/invocation"

    def call(method, path, body=None):
        runtime.request(method, invocations + path, body)
        answer = runtime.getresponse()
        return answer.headers, answer.read()

    while True:
        headers, payload = call("GET", "/next")
        request = headers["lambda-runtime-aws-request-id"]
        try:
            result = lambda_handler(json.loads(payload), None)
            call("POST", f"/{request}/response", json.dumps(result))
        except Exception as error:
            traceback.print_exc()
            said = {"errorType": type(error).__name__, "errorMessage": str(error)}
            call("POST", f"/{request}/error", json.dumps(said))


if __name__ == "__main__":
    serve()
