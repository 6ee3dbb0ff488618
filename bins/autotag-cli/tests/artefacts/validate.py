"""Finds the faults of documents by a JSON schema. Documents are a list on standard input; each gets a list of faults."""
import json
import sys

import jsonschema

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
print(json.dumps([[f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)] for document in json.load(sys.stdin)]))
