"""Says how botocore would sign a request.

Reads JSON lines: {"method", "target", "headers": {...}, "body"} of requests as they came, signed with the secret "secret"
and, if they say so, a session token. Prints the signature that botocore computes for each, over the same headers.
"""

import json
import sys

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def signature(came):
    headers = {name.lower(): value for name, value in came["headers"].items()}
    fields = dict(field.strip().split("=", 1) for field in headers["authorization"].split(" ", 1)[1].split(","))
    key, _, region, service, _ = fields["Credential"].split("/")
    credentials = Credentials(key, "secret", headers.get("x-amz-security-token"))
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(credentials, service, region)
    signed = {name: headers[name] for name in fields["SignedHeaders"].split(";")}
    url = f"http://{headers['host']}{came['target']}"
    request = AWSRequest(came["method"], url, headers=signed, data=came["body"].encode())
    request.context["timestamp"] = headers["x-amz-date"]
    return signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)


def main():
    for line in sys.stdin:
        print(signature(json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
