"""The calls of botocore's models that change tags of resources that exist, by event source.

Reads JSON lines: {"source": "glue"}. Prints a JSON line for each: the names of the calls, each with all members of its request:
{"UntagResource": ["ResourceArn", "TagsToRemove"]}; members of structures and lists as "Tags.Key". A call is one if it is named
for it (`Untag..`, `RemoveTags..`, `Put..Tagging`), or if it updates something and takes tags.
"""

import json
import re
import sys

import botocore.session

# Event sources that are neither an endpoint prefix nor a signing name. `creating_calls.py` has the same.
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
    "tagging": ["resourcegroupstaggingapi"],
}
NAMED = re.compile(
    r"^((Tag|Untag)($|[A-Z])|(Add|Remove|Create|CreateOrUpdate|Delete|Put|Set|Change|Update)\w*Tag(s|ging)($|[A-Z]))"
)
TAGS = re.compile(r"(^|[a-z])[tT]ags$")
DEPTH = 3


def models():
    session = botocore.session.get_session()
    found = {}
    for name in session.get_available_services():
        model = session.get_service_model(name)
        for known in {name, model.endpoint_prefix, model.signing_name}:
            found.setdefault(known, []).append(model)
    return found


def members(shape, path="", depth=0):
    if shape.type_name == "structure" and depth < DEPTH:
        for name, member in shape.members.items():
            at = f"{path}.{name}".lstrip(".")
            yield at
            yield from members(member, at, depth + 1)
    elif shape.type_name == "list":
        yield from members(shape.member, path, depth)


def updates_tags(name, shape):
    fits = (member for key, member in shape.members.items() if TAGS.search(key))
    return name.startswith("Update") and any(member.type_name in ("map", "list") for member in fits)


def calls(services, source):
    found = {}
    for known in SOURCES.get(source, [source]):
        for model in services.get(known, []):
            for name in model.operation_names:
                shape = model.operation_model(name).input_shape
                if shape is not None and (NAMED.search(name) or updates_tags(name, shape)):
                    found[name] = sorted({*found.get(name, ()), *members(shape)})
    return found


def main():
    services = models()
    for line in sys.stdin:
        print(json.dumps(calls(services, json.loads(line)["source"])))


main()
