"""Deployments by `autotag deploy` over an emulator: `by_command.py COMMAND ...`, as stacks.py."""

import json
import os
import subprocess
import sys
import zipfile

from stacks import HUB, REGIONS, client, function, put, receive, tags, template, volume

# moto reads a template of the whole catalogue for half a minute, at each update.
SERVICES = "ec2,sns"


def run(program, folder, *args, account=None):
    """Runs the program, and returns its JSON lines."""
    environment = dict(os.environ)
    if account:
        role = "arn:aws:iam::" + account + ":role/deploy"
        keys = client("sts").assume_role(RoleArn=role, RoleSessionName="deploy")["Credentials"]
        environment["AWS_ACCESS_KEY_ID"] = keys["AccessKeyId"]
        environment["AWS_SECRET_ACCESS_KEY"] = keys["SecretAccessKey"]
        environment["AWS_SESSION_TOKEN"] = keys["SessionToken"]
    command = [program, "deploy", "--region", HUB, "--pause", "10", *args]
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, (command, done.returncode, done.stdout, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def package(folder, content):
    os.makedirs(os.path.join(folder, "dist"), exist_ok=True)
    for name in ["tag-handler", "session-handler"]:
        with zipfile.ZipFile(os.path.join(folder, "dist", name + ".zip"), "w") as archive:
            archive.writestr("bootstrap", content)


def prepare(folder, program, content):
    """Templates as the emulator can read them, and packages."""
    subprocess.run(
        [program, "generate", "--out", "t", "--services", SERVICES], cwd=folder, check=True, capture_output=True
    )
    for name in ["single", "region"]:
        text = template(os.path.join(folder, "t"), name)
        # moto forgets a log group that an update has nothing to do with.
        for function in ["TagHandler", "SessionHandler"]:
            text = text.replace("!GetAtt " + function + "Logs.Arn", '"*"')
            text = text.replace("LoggingConfig: {LogGroup: !Ref " + function + "Logs}", "")
        with open(os.path.join(folder, "t", name + ".yaml"), "w") as file:
            file.write(text)
    package(folder, content)


def code(name):
    return client("lambda").get_function(FunctionName=name)["Configuration"]["CodeSha256"]


def deploy(folder, program):
    """Deploys twice; prints how each run ended, and the resources after it."""
    prepare(folder, program, "1")
    client("iam").create_user(UserName="mara")
    steps = {
        "first": run(program, folder, "--templates", "t", "--yes", "--regions", ",".join(REGIONS)),
        "again": run(program, folder, "--templates", "t", "--yes"),
    }
    queues = {name: client("sqs").get_queue_url(QueueName="autotag-" + name)["QueueUrl"] for name in ["tag", "session"]}
    return {
        "steps": steps,
        "tag": function("autotag-tag-handler", queues["tag"]),
        "session": function("autotag-session-handler", queues["session"]),
    }


def change(folder, program):
    """Upgrades, rolls back, and deploys to another account."""
    prepare(folder, program, "2")
    codes, steps = [code("autotag-tag-handler")], {}
    steps["plan"] = run(program, folder, "--templates", "t", "--plan")
    steps["upgrade"] = run(program, folder, "--templates", "t", "--upgrade", "--yes")
    codes.append(code("autotag-tag-handler"))
    steps["rollback"] = run(program, folder, "--rollback", "--yes")
    codes.append(code("autotag-tag-handler"))
    steps["other"] = run(program, folder, "--templates", "t", "--yes", account="444455556666")
    return {"steps": steps, "code": codes}


def destroy(folder, program):
    # The test has received messages and has not deleted them.
    run(program, folder, "--destroy", "--yes", "--discard-messages")
    there = []
    for region in [HUB, *REGIONS]:
        pages = client("cloudformation", region).get_paginator("list_stacks").paginate()
        stacks = [stack for page in pages for stack in page["StackSummaries"]]
        there += [stack["StackName"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"]
    return {"stacks": there, "tables": client("dynamodb").list_tables()["TableNames"]}


commands = {"deploy": deploy, "change": change, "destroy": destroy, "put": put, "receive": receive, "volume": volume, "tags": tags}
json.dump(commands[sys.argv[1]](*sys.argv[2:]), sys.stdout)
