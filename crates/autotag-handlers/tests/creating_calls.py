"""What botocore's models say about creating calls.

Reads JSON lines: {"source": "glue", "event": "CreateDatabase", "created": "createTime" or null}. Prints a JSON line for
each, or {"error"} if botocore has no such operation:

- "tags": where the request can hold tags, as {"path", "shape"}; the shape is "map", "list" or "text";
- "accounts": the parameters whose names are those of accounts;
- "tokens": the parameters with the trait `idempotencyToken`;
- "created": whether the answer has a time at the path that was asked for.

Names are those of CloudTrail: the model's, with a small first letter; of S3's headers, the header's.
"""

import json
import re
import sys

import botocore.session

# Event sources that are neither an endpoint prefix nor a signing name.
SOURCES = {
    "airflow": ["mwaa"],
    "amazonmq": ["mq"],
    "applicationsignals": ["application-signals"],
    "autoscaling": ["autoscaling", "application-autoscaling", "autoscaling-plans"],
    "backup": ["backup", "backup-search"],
    "cassandra": ["keyspaces"],
    "chime": ["chime", "chime-sdk-identity", "chime-sdk-messaging", "chime-sdk-voice", "chime-sdk-media-pipelines"],
    "chime-sdk-media-pipelines": ["chime-sdk-media-pipelines"],
    "chime-sdk-voice": ["chime-sdk-voice"],
    "deployment-marketplace": ["marketplace-deployment"],
    "iotsecuredtunneling": ["iotsecuretunneling"],
    "kinesisanalytics": ["kinesisanalyticsv2"],
    "marketplacecatalog": ["marketplace-catalog"],
    "multi-party-approval": ["mpa"],
    "s3express": ["s3", "s3control"],
    "ses": ["ses", "sesv2", "mailmanager"],
    "sms-voice": ["pinpoint-sms-voice-v2"],
}
# Lambda's events carry the version of the API.
VERSION = re.compile(r"\d{8}(v\d)?$")
ACCOUNT = re.compile(r"(account(id)?|catalogid|registryid|owner(id|account)?|meshowner)$", re.IGNORECASE)
DEPTH = 4


def models():
    session = botocore.session.get_session()
    found = {}
    for name in session.get_available_services():
        model = session.get_service_model(name)
        for known in {name, model.endpoint_prefix, model.signing_name}:
            found.setdefault(known, []).append(model)
    return found


def operation(services, source, event):
    name = VERSION.sub("", event)
    for known in SOURCES.get(source, [source]):
        for model in services.get(known, []):
            if name in model.operation_names:
                return model.operation_model(name)
    return None


def wire_name(source, name, shape):
    if source == "s3" and shape.serialization.get("location") == "header":
        return shape.serialization["name"]
    return name[:1].lower() + name[1:]


def members(source, shape, path="", seen=()):
    """Each member below a shape, as its path and its shape."""
    if shape is None or len(seen) > DEPTH or shape.name in seen:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            at = f"{path}.{wire_name(source, name, member)}".lstrip(".")
            yield at, name, member
            yield from members(source, member, at, (*seen, shape.name))
    elif shape.type_name == "list":
        yield from members(source, shape.member, path + "[]", seen)


def tag_shape(path, name, shape):
    """The shape of a member that holds tags; `None` if it holds none."""
    if not re.search("tag(?!et)", path, re.IGNORECASE) or re.search("stage", path, re.IGNORECASE):
        return None
    if shape.type_name == "map":
        return "map" if shape.key.type_name == shape.value.type_name == "string" else None
    if shape.type_name == "list" and shape.member.type_name == "structure":
        keys = {key.lower() for key in shape.member.members}
        return "list" if {"key", "value"} <= keys or {"tagkey", "tagvalue"} <= keys else None
    return "text" if shape.type_name == "string" and name.lower() in {"tags", "tagging"} else None


def has_time(source, shape, path):
    names = {at.lower() for at, _, member in members(source, shape) if member.type_name != "structure"}
    # EC2 answers with sets, whose names in the model are those of lists.
    spelt = (path.lower(), *(re.sub(r"set\[\]", end, path.lower()) for end in ("s[]", "[]")))
    return any(at in names for at in spelt)


def facts(services, question):
    source = question["source"]
    call = operation(services, source, question["event"])
    if call is None:
        return {"error": "botocore has no such operation"}
    inputs = list(members(source, call.input_shape))
    shaped = [(at, tag_shape(at, name, shape)) for at, name, shape in inputs]
    created = question["created"]
    return {
        "tags": [{"path": at, "shape": shape} for at, shape in shaped if shape],
        "accounts": [at for at, name, shape in inputs if shape.type_name == "string" and ACCOUNT.search(name)],
        "tokens": [at for at, _, shape in inputs if shape.metadata.get("idempotencyToken") and "." not in at],
        "created": created is None or has_time(source, call.output_shape, created),
    }


def main():
    services = models()
    for line in sys.stdin:
        print(json.dumps(facts(services, json.loads(line))))


main()
