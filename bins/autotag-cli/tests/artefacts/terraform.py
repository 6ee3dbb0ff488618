"""Reads the files of the module as Terraform's language, and says which parameters each template is given.

terraform.py FOLDER prints {"variables": {name: has a default}, "used": [variable, ...], "parameters": {template: [name, ...]},
"templates": {template: {parameter: has a default}}, "ignored": [key, ...]}."""

import json
import re
import sys
from pathlib import Path

import hcl2
from cfnlint.decode import decode

deploy = Path(sys.argv[1])
module = deploy / "terraform"


def read(path):
    with path.open(encoding="utf-8") as file:
        return hcl2.load(file)


def bare(text):
    return text.strip('"')


variables = {}
for block in read(module / "variables.tf")["variable"]:
    for name, body in block.items():
        variables[bare(name)] = "default" in body

texts = {path.name: path.read_text(encoding="utf-8") for path in module.glob("*.tf")}
used = sorted(set(re.findall(r"var\.(\w+)", texts["main.tf"] + texts["outputs.tf"])))

main = read(module / "main.tf")
# Parameters that several templates are given.
shared = {bare(name): str(value) for block in main["locals"] for name, value in block.items()}


def names(text):
    """CloudFormation's names begin with a capital letter, Terraform's do not."""
    found = set(re.findall(r"\b([A-Z]\w+)['\"]?\s*[:=](?!=)", text))
    for local in re.findall(r"local\.(\w+)", text):
        if local in ("estate", "network"):
            found |= names(shared[local])
    return found


parameters = {}
for block in main["resource"]:
    for resource in block.values():
        for body in resource.values():
            if "template_url" in body:
                template = re.search(r'template\["(\w+)"\]', str(body["template_url"])).group(1)
                parameters.setdefault(template, set()).update(names(str(body["parameters"])))

templates = {}
for template in parameters:
    body, wrong = decode(str(deploy / f"{template}.yaml"))
    assert not wrong, wrong
    templates[template] = {name: "Default" in value for name, value in body.get("Parameters", {}).items()}

for name in ("outputs.tf", "versions.tf"):
    read(module / name)
ignore = read(module / "ignore-tags.hcl")["provider"][0]
(provider,) = ignore.values()
keys = provider["ignore_tags"]
keys = keys[0] if isinstance(keys, list) else keys
print(
    json.dumps(
        {
            "variables": variables,
            "used": used,
            "parameters": {name: sorted(given) for name, given in parameters.items()},
            "templates": templates,
            "ignored": [bare(key) for key in keys["keys"]],
        }
    )
)
