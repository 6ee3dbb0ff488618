"""The resources of a template as JSON. Functions of CloudFormation become {"Fn::Name": argument}."""

import json
import sys

import yaml


class Template(yaml.SafeLoader):
    pass


def function(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {"Fn::" + suffix: value}


Template.add_multi_constructor("!", function)
with open(sys.argv[1]) as file:
    json.dump(yaml.load(file, Template)["Resources"], sys.stdout)
