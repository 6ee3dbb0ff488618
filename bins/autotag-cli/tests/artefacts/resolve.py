"""The policies of a template as they are deployed: its intrinsic functions resolved, with the default parameters.

resolve.py TEMPLATE [NAME=VALUE ...] prints {logical id: policy document}, of policies that are not conditioned away; a
second policy of the same resource has its number behind the id. resolve.py --names TEMPLATE [NAME=VALUE ...] prints
{logical id: {property: value}}, with the properties that name a resource or make a new one of it when they change."""

import json
import sys

from cfnlint.decode import decode

PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::AccountId": "111122223333",
    "AWS::Region": "eu-west-1",
    "AWS::URLSuffix": "amazonaws.com",
}
ARNS = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:eu-west-1:111122223333:table/example",
    "AWS::Events::EventBus": "arn:aws:events:eu-west-1:111122223333:event-bus/example",
    "AWS::Events::Rule": "arn:aws:events:eu-west-1:111122223333:rule/example",
    "AWS::KMS::Key": "arn:aws:kms:eu-west-1:111122223333:key/example",
    "AWS::Logs::LogGroup": "arn:aws:logs:eu-west-1:111122223333:log-group:example:*",
    "AWS::S3::Bucket": "arn:aws:s3:::example",
    "AWS::SQS::Queue": "arn:aws:sqs:eu-west-1:111122223333:example",
}
NOTHING = object()

# Properties that name a resource. Another name is another resource.
NAMES = {
    "AWS::CloudWatch::Alarm": ["AlarmName"],
    "AWS::CloudWatch::Dashboard": ["DashboardName"],
    "AWS::DynamoDB::Table": ["TableName"],
    "AWS::Events::EventBus": ["Name"],
    "AWS::Events::Rule": ["Name", "EventBusName"],
    "AWS::IAM::ManagedPolicy": ["ManagedPolicyName", "Path"],
    "AWS::IAM::Role": ["RoleName", "Path"],
    "AWS::Lambda::Function": ["FunctionName"],
    "AWS::Logs::LogGroup": ["LogGroupName"],
    "AWS::Logs::QueryDefinition": ["Name"],
    "AWS::SQS::Queue": ["QueueName"],
}


class Template:
    def __init__(self, path, given):
        self.body, wrong = decode(path)
        assert not wrong, wrong
        self.values = dict(PSEUDO)
        for name, parameter in self.body.get("Parameters", {}).items():
            value = given.get(name, parameter.get("Default", ""))
            of_list = parameter["Type"] == "CommaDelimitedList"
            self.values[name] = value.split(",") if of_list else value

    def condition(self, name):
        return self.resolve(self.body["Conditions"][name])

    def attribute(self, name, attribute):
        """An ARN that the resource could have; policies contain only ARNs."""
        if attribute == "Name":
            return self.resolve(self.body["Resources"][name]["Properties"]["Name"])
        assert attribute == "Arn", attribute
        return ARNS[self.body["Resources"][name]["Type"]]

    def sub(self, text):
        given = {}
        if isinstance(text, list):
            text, given = text[0], {name: self.resolve(value) for name, value in text[1].items()}
        out, rest = "", text
        while "${" in rest:
            before, rest = rest.split("${", 1)
            name, rest = rest.split("}", 1)
            known = {**self.values, **given}
            if name.startswith("!"):
                filled = "${" + name[1:] + "}"
            else:
                filled = self.attribute(*name.split(".")) if "." in name else str(known.get(name, name))
            out += before + filled
        return out + rest

    def resolve(self, value):
        if isinstance(value, list):
            resolved = [self.resolve(item) for item in value]
            return [item for item in resolved if item is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref":
                return NOTHING if argument == "AWS::NoValue" else self.values.get(argument, argument)
            if function == "Fn::Sub":
                return self.sub(argument)
            if function == "Fn::GetAtt":
                return self.attribute(*argument)
            if function == "Fn::Select":
                return self.resolve(argument[1])[int(argument[0])]
            if function == "Fn::Split":
                return self.resolve(argument[1]).split(argument[0])
            if function == "Fn::Join":
                return argument[0].join(map(str, self.resolve(argument[1])))
            if function == "Fn::If":
                return self.resolve(argument[1] if self.condition(argument[0]) else argument[2])
            if function == "Fn::Equals":
                first, second = self.resolve(argument)
                return first == second
            if function == "Fn::Not":
                return not self.resolve(argument[0])
            if function == "Fn::And":
                return all(self.resolve(item) for item in argument)
            if function == "Condition" and isinstance(argument, str):
                return self.condition(argument)
            assert not function.startswith("Fn::"), function
        resolved = {str(name): self.resolve(item) for name, item in value.items()}
        return {name: item for name, item in resolved.items() if item is not NOTHING}

    def policies(self):
        for name, resource in self.body["Resources"].items():
            if "Condition" in resource and not self.condition(resource["Condition"]):
                continue
            properties = resource.get("Properties", {})
            for kind in ("PolicyDocument", "Content", "AssumeRolePolicyDocument"):
                if kind in properties:
                    yield name + ("Trust" if kind.startswith("Assume") else ""), self.resolve(properties[kind])
            # A bus has its statements one by one.
            if "Statement" in properties:
                yield name, {"Statement": [self.resolve(properties["Statement"])]}
            for policy in self.resolve(properties.get("Policies", [])):
                yield name, policy["PolicyDocument"]

    def names(self):
        for name, resource in self.body["Resources"].items():
            if "Condition" in resource and not self.condition(resource["Condition"]):
                continue
            properties = resource.get("Properties", {})
            named = {key: properties[key] for key in NAMES.get(resource["Type"], []) if key in properties}
            named = self.resolve(named)
            if named:
                yield name, named


arguments = sys.argv[1:]
of_names = arguments[0] == "--names"
path, *given = arguments[1:] if of_names else arguments
template = Template(path, dict(pair.split("=", 1) for pair in given))
found = {}
for name, document in template.names() if of_names else template.policies():
    same = sum(1 for other in found if other.split("#")[0] == name)
    found[f"{name}#{same + 1}" if same else name] = document
print(json.dumps(found))
