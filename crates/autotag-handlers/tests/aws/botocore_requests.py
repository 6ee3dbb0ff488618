"""Says what botocore would send.

Reads JSON lines: {"service": "sqs", "region": "eu-west-1", "operation": "TagQueue", "params": {...}}. The service is
botocore's name of the client, the operation AWS's name. Parameters have the names of the model or those on the wire.
Prints a JSON line for each: {"method", "url", "headers", "body"} of the request, which is never sent, or {"error"}.
"""

import json
import sys

import botocore.config
import botocore.session

HEADERS = ("content-type", "x-amz-target", "x-amz-account-id")
KEYS = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "secret"}
CONFIG = botocore.config.Config(ignore_configured_endpoint_urls=True)


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


def request_of(session, call):
    client = session.create_client(call["service"], region_name=call["region"], config=CONFIG, **KEYS)
    client.meta.events.register("before-send", never_send)
    shape = client.meta.service_model.operation_model(call["operation"]).input_shape
    methods = {api: python for python, api in client.meta.method_to_api_mapping.items()}
    try:
        getattr(client, methods[call["operation"]])(**named_as_in_the_model(shape, call["params"]))
    except Unsent as unsent:
        request = unsent.args[0]
    text = lambda value: value.decode() if isinstance(value, bytes) else value or ""
    headers = {name.lower(): text(value) for name, value in request.headers.items()}
    headers = {name: headers[name] for name in HEADERS if name in headers}
    return {"method": request.method, "url": request.url, "headers": headers, "body": text(request.body)}


def main():
    session = botocore.session.get_session()
    for line in sys.stdin:
        try:
            answer = request_of(session, json.loads(line))
        except Exception as error:  # whatever it is, the reader wants to know
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
