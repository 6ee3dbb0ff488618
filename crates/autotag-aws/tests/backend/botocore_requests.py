"""Says what botocore would send, and what AWS could answer.

Reads JSON lines: {"service": "sqs", "region": "eu-west-1", "operation": "TagQueue", "params": {...}}. The service is
botocore's name of the client, the operation AWS's name. Parameters have the names of the model or those on the wire.
Prints a JSON line for each: {"method", "url", "headers", "body", "signed_for"} of the request, which is never sent, or
{"error"}.

Without "params" it prints {"body", "pages"} instead: an answer in which everything stands that the operation's model
allows, and botocore's names for the page's token in answer and request. Texts are "a " and their member's name on the
wire; whatever looks like a tag is one of TAGS.
"""

import json
import sys
from xml.sax.saxutils import escape

import botocore.config
import botocore.parsers
import botocore.session

HEADERS = ("content-type", "x-amz-target", "x-amz-account-id")
KEYS = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "secret"}
CONFIG = botocore.config.Config(ignore_configured_endpoint_urls=True)
TAGS = [("Owner", "mara"), ("Team", "a&b <c> +%/ü")]
OF_TAGS = [("Key", "Value"), ("key", "value"), ("TagKey", "TagValue"), ("tagKey", "tagValue")]


class Unsent(BaseException):
    """Carries the request out of botocore, which handles every Exception itself."""


def never_send(request, **_):
    raise Unsent(request)


def named_as_in_the_model(shape, value):
    """The same value with the model's member names, which may differ from those on the wire."""
    if shape.type_name == "list" and isinstance(value, list):
        return [named_as_in_the_model(shape.member, element) for element in value]
    if shape.type_name != "structure" or not isinstance(value, dict):
        return value
    on_the_wire = {member.serialization.get("name"): name for name, member in shape.members.items()}
    payload = shape.serialization.get("payload")
    named = {}
    for name, part in value.items():
        member = name if name in shape.members else on_the_wire.get(name)
        if member:
            named[member] = named_as_in_the_model(shape.members[member], part)
        elif payload:  # on the wire the body is the payload itself
            inner = named_as_in_the_model(shape.members[payload], {name: part})
            named.setdefault(payload, {}).update(inner)
        else:
            named[name] = part  # botocore says that it does not know it
    return named


def request_of(client, call):
    shape = client.meta.service_model.operation_model(call["operation"]).input_shape
    try:
        getattr(client, method_of(client, call))(**named_as_in_the_model(shape, call["params"]))
    except Unsent as unsent:
        request = unsent.args[0]
    text = lambda value: value.decode() if isinstance(value, bytes) else value or ""
    headers = {name.lower(): text(value) for name, value in request.headers.items()}
    scope = headers["authorization"].split("Credential=")[1].split(",")[0].split("/")
    return {
        "method": request.method,
        "url": request.url,
        "headers": {name: headers[name] for name in HEADERS if name in headers},
        "body": text(request.body),
        "signed_for": {"region": scope[2], "name": scope[3]},
    }


def method_of(client, call):
    return {api: python for python, api in client.meta.method_to_api_mapping.items()}[call["operation"]]


def name_of(member, name):
    return member.serialization.get("name", name)


def sample(shape, name, number=0, above=()):
    """A value of everything in the shape; None for what has no place in a body, is of no interest, or never ends."""
    if shape.name in above:
        return None
    inside = (*above, shape.name)
    if shape.type_name == "structure":
        of_tag = next((names for names in OF_TAGS if set(names) <= set(shape.members)), ())
        members = ((key, sample(part, name_of(part, key), number, inside)) for key, part in shape.members.items())
        return {key: value for key, value in members if value is not None} | dict(zip(of_tag, TAGS[number]))
    if shape.type_name == "list":
        one = [sample(shape.member, name, number, inside) for number in range(len(TAGS))]
        return [value for value in one if value is not None]
    if shape.type_name == "map":
        return dict(TAGS) if shape.value.type_name == "string" else {}
    if shape.serialization.get("location"):
        return None
    return {"string": f"a {name}", "boolean": False, "integer": 7}.get(shape.type_name)


def json_of(shape, value):
    if shape.type_name == "structure":
        return {name_of(shape.members[key], key): json_of(shape.members[key], part) for key, part in value.items()}
    return [json_of(shape.member, one) for one in value] if shape.type_name == "list" else value


def xml_of(shape, name, value):
    if shape.type_name == "list":
        flat = shape.serialization.get("flattened")
        of_list = shape.member.serialization.get("name", "member")
        inner = "".join(xml_of(shape.member, name if flat else of_list, one) for one in value)
        return inner if flat else f"<{name}>{inner}</{name}>"
    if shape.type_name == "structure":
        parts = ((shape.members[key], key, part) for key, part in value.items())
        inner = "".join(xml_of(member, name_of(member, key), part) for member, key, part in parts)
    else:
        inner = str(value).lower() if isinstance(value, bool) else escape(str(value))
    return f"<{name}>{inner}</{name}>"


def answer_of(client, call):
    operation = client.meta.service_model.operation_model(call["operation"])
    shape, name = operation.output_shape, f"{call['operation']}Response"
    protocol = client.meta.service_model.resolved_protocol
    value = sample(shape, "")
    payload = shape.serialization.get("payload")
    body_shape = shape.members[payload] if payload else shape
    in_body = value[payload] if payload else value
    if "json" in protocol:
        body = json.dumps(json_of(body_shape, in_body))
    else:
        wrapper = shape.serialization.get("resultWrapper")
        inner = xml_of(body_shape, wrapper or (name_of(body_shape, payload) if payload else name), in_body)
        body = f'<{name} xmlns="https://example.com/doc/2020-01-01/">{inner}</{name}>' if wrapper else inner
    # Our own writer is not to be believed: botocore must read what was meant.
    parser = botocore.parsers.create_parser(protocol)
    read = parser.parse({"status_code": 200, "headers": {}, "body": body.encode()}, shape)
    read.pop("ResponseMetadata", None)
    # Some answers have the status as a member; it is not in the body.
    for name, member in shape.members.items():
        if member.serialization.get("location") == "statusCode":
            read.pop(name, None)
    assert read == value, f"{body} is read as {read}, and not as {value}"
    pages = None
    if client.can_paginate(method_of(client, call)):
        config = client.get_paginator(method_of(client, call))._pagination_cfg
        pages = {"from": config["output_token"], "as": config["input_token"]}
    return {"body": body, "pages": pages}


def main():
    session, clients = botocore.session.get_session(), {}
    for line in sys.stdin:
        try:
            call = json.loads(line)
            place = call["service"], call["region"]
            if place not in clients:
                clients[place] = session.create_client(place[0], region_name=place[1], config=CONFIG, **KEYS)
                clients[place].meta.events.register("before-send", never_send)
            answer = (request_of if "params" in call else answer_of)(clients[place], call)
        except Exception as error:  # whatever it is, the reader wants to know
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
