"""What botocore's models say about the events of rules.

Reads JSON lines: {"source": "grafana", "event": "CreateWorkspace", "paths": ["response.workspace.id", ...]}. Prints a JSON
line for each, or {"error"} if botocore has no such operation:

- "names": the client's name, and the names of its endpoint and of its signatures;
- "repeats": the sentence of the documentation that calls the operation idempotent, or null;
- "unknown": those of the paths that are members of no request or answer, in CloudTrail's spelling;
- "arns": the paths of all members of the answer that hold ARNs.

CloudTrail's spelling: names with a small first letter (all comparisons ignore case), EC2's by their names on the wire,
the one structure of an answer of RDS, ElastiCache and Redshift left out.
"""

import json
import re
import sys

import botocore.session

# Event sources that are neither an endpoint prefix nor a signing name.
SOURCES = {
    "amazonmq": ["mq"],
    "applicationsignals": ["application-signals"],
    "autoscaling": ["autoscaling", "application-autoscaling"],
    "backup": ["backup", "backupsearch"],
    "iotsecuredtunneling": ["iotsecuretunneling"],
    "multi-party-approval": ["mpa"],
    "s3express": ["s3"],
    "servicecatalog-appregistry": ["servicecatalog-appregistry"],
    "ses": ["email", "ses"],
    "sms-voice": ["sms-voice"],
    "lex": ["models-v2-lex", "lex"],
    "lexv2": ["models-v2-lex"],
}
# Services of which CloudTrail leaves out the structure around an answer's members.
FLATTENED = {"rds", "elasticache", "redshift"}
# Members that CloudTrail calls otherwise than the models.
S3 = {"bucketname": "bucket", "x-amz-version-id": "versionid"}
SPELT = {"s3": S3, "s3express": S3}
# Members that CloudTrail writes around a request: `createDeploymentInput` of API Gateway.
WRAPPERS = {"apigateway": "{}input"}
# Lambda's events carry the version of the API, some of CloudFront's too.
VERSION = re.compile(r"(\d{8}(v\d)?|\d{4}_\d\d_\d\d)$")
REPEATS = re.compile(r"[^.]*\b(idempotent|already exists, (?:it|this|the)|creates or updates|create or update)\b[^.]*\.", re.I)
# What tells of a token only: a repeated call with the same token.
TOKEN = re.compile(r"token|caller ?reference|creation ?id|non-idempotent|not idempotent|isn't idempotent|\bretry", re.IGNORECASE)
DEPTH = 5


def models():
    session = botocore.session.get_session()
    found = {}
    for name in session.get_available_services():
        model = session.get_service_model(name)
        for known in {name, model.endpoint_prefix, model.signing_name, *(model.endpoint_prefix or "").split(".")}:
            found.setdefault(known, []).append((name, model))
    return found


def operations(services, source, event):
    name = VERSION.sub("", event)
    seen = set()
    for known in SOURCES.get(source, [source]):
        for client, model in services.get(known, []):
            if client not in seen and name in model.operation_names:
                seen.add(client)
                yield client, model, model.operation_model(name)


def wire_names(name, shape):
    yield name.lower()
    if shape.serialization.get("name"):
        yield shape.serialization["name"].lower()
    if shape.serialization.get("queryName"):
        yield shape.serialization["queryName"].lower()
    if shape.type_name == "list":
        yield re.sub("s$", "", name.lower()) + "set"
        yield name.lower() + "set"


def resolves(source, shape, steps):
    if not steps:
        return True
    if shape is None:
        return False
    step, *rest = steps
    name = step.removesuffix("[]").lower()
    if shape.type_name == "map":
        return resolves(source, shape.value, rest)
    if shape.type_name != "structure":
        return False
    name = SPELT.get(source, {}).get(name, name)
    for member, inner in shape.members.items():
        if name in wire_names(member, inner):
            if step.endswith("[]"):
                if inner.type_name == "list" and resolves(source, inner.member, rest):
                    return True
            elif resolves(source, inner, rest):
                return True
    return False


def inside(source, shape):
    """The shapes at the root of a request or an answer as CloudTrail writes it."""
    found = [shape]
    if shape is None or shape.type_name != "structure":
        return found
    if source in FLATTENED:
        found += [member for member in shape.members.values() if member.type_name == "structure"]
    payload = shape.serialization.get("payload")
    if payload:
        found.append(shape.members[payload])
    return found


def known(source, call, path):
    part, *steps = path.split(".")
    if part == "service":
        return False
    shape = call.input_shape if part == "request" else call.output_shape
    wrapper = WRAPPERS.get(source, "").format(call.name.lower())
    if steps and steps[0].lower() == wrapper:
        steps = steps[1:]
    return any(resolves(source, root, steps) for root in inside(source, shape))


def is_arn(name, shape):
    if shape.type_name != "string":
        return False
    return name.lower().endswith("arn") or shape.name.lower().endswith("arn")


def spelt(source, name, shape):
    if source == "ec2" and shape.serialization.get("name"):
        return shape.serialization["name"]
    return name[:1].lower() + name[1:]


def arns(source, shape, path, seen=()):
    if shape is None or len(seen) > DEPTH or shape.name in seen:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            at = f"{path}.{spelt(source, name, member)}"
            if is_arn(name, member):
                yield at
            else:
                yield from arns(source, member, at, (*seen, shape.name))
    elif shape.type_name == "list":
        if is_arn("", shape.member):
            yield path + "[]"
        else:
            yield from arns(source, shape.member, path + "[]", seen)


def answer(source, call):
    shape = call.output_shape
    if shape is None:
        return []
    single = [member for member in shape.members.values() if member.type_name == "structure"]
    if source in FLATTENED and len(shape.members) == 1 and single:
        shape = single[0]
    return sorted(set(arns(source, shape, "response")))


def repeats(call):
    text = re.sub(r"<[^>]*>", "", call.documentation or "")
    said = (match.group().strip() for match in REPEATS.finditer(" ".join(text.split())))
    return next((sentence for sentence in said if not TOKEN.search(sentence)), None)


def facts(services, question):
    source, paths = question["source"], question["paths"]
    # Several clients may share a source and a name: both versions of API Gateway, of load balancers, of SES.
    candidates = list(operations(services, source, question["event"]))
    if not candidates:
        return {"error": "botocore has no such operation"}
    unknown = [[path for path in paths if not known(source, call, path)] for _, _, call in candidates]
    nearest = min(range(len(candidates)), key=lambda index: len(unknown[index]))
    client, model, call = candidates[nearest]
    return {
        "names": [client, model.endpoint_prefix, model.signing_name],
        "repeats": repeats(call),
        "unknown": sorted(set.intersection(*map(set, unknown))),
        "arns": answer(source, call),
    }


def main():
    services = models()
    for line in sys.stdin:
        print(json.dumps(facts(services, json.loads(line))))


main()
