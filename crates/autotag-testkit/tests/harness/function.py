#!/usr/bin/env python3
"""A Lambda function without a runtime: requests invocations and follows their payload."""

import json
import os
import sys
import time
import urllib.request

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"


def post(request_id, end, body):
    data = json.dumps(body).encode()
    urllib.request.urlopen(urllib.request.Request(f"{API}/{request_id}/{end}", data=data)).read()


while True:
    with urllib.request.urlopen(f"{API}/next") as taken:
        request_id = taken.headers["lambda-runtime-aws-request-id"]
        order = json.load(taken)
    print("to stdout:", json.dumps(order), flush=True)
    print("to stderr:", json.dumps(order), file=sys.stderr, flush=True)
    if order == "hang":
        time.sleep(600)
    elif order == "exit":
        sys.exit(3)
    elif order == "fail":
        post(request_id, "error", {"errorType": "Told", "errorMessage": "as told"})
    else:
        post(request_id, "response", dict(os.environ))
