"""Runs athena/records.sql over log files as Athena would, and writes its result.

athena.py DEPLOY LOGS RESULT: the table and the query are those of the folder DEPLOY/athena. LOGS is a folder with log files, or
with records one a line. The lines of the result are written to RESULT in gzip.

Log files become rows as AWS documents it for the table: names in any case, members that the table does not know are left out,
scalars are texts, and requestParameters and its like are the JSON text of the object. The query runs in DuckDB; sqlglot parses
it as Trino's, and what DuckDB names otherwise is put in its place."""

import gzip
import json
import pathlib
import re
import sys

import duckdb
import sqlglot
from sqlglot import exp

# The objects of which the table's input format makes texts.
TEXTS = {"requestparameters", "responseelements", "additionaleventdata", "serviceeventdetails"}


def table(path):
    created = sqlglot.parse_one(path.read_text(), dialect="athena")
    columns = list(created.this.expressions)
    columns += list(created.find(exp.PartitionedByProperty).this.expressions)
    return [(column.name, column.kind) for column in columns]


def is_a(kind, *names):
    return kind.this in [exp.DataType.Type[name] for name in names]


def cell(kind, value):
    """What the SerDe makes of a value."""
    if value is None:
        return None
    if is_a(kind, "STRUCT"):
        members = {name.lower(): inner for name, inner in value.items()} if isinstance(value, dict) else {}
        return {one.name: cell(one.kind, members.get(one.name)) for one in kind.expressions}
    if is_a(kind, "ARRAY", "LIST"):
        return [cell(kind.expressions[0], inner) for inner in value] if isinstance(value, list) else None
    if is_a(kind, "MAP"):
        return {name: cell(kind.expressions[1], inner) for name, inner in value.items()}
    if isinstance(value, (dict, list)):
        return None
    return value if isinstance(value, str) else json.dumps(value)


def row(columns, record, partitions):
    members = {name.lower(): value for name, value in record.items()}
    for name in TEXTS:
        if isinstance(members.get(name), (dict, list)):
            members[name] = json.dumps(members[name])
    members.update(partitions)
    return {name: cell(kind, members.get(name)) for name, kind in columns}


def records(folder):
    for path in sorted(folder.rglob("*.json*")):
        if "CloudTrail-Digest" in path.parts:
            continue
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
        place = re.search(r"(\d{12})/CloudTrail/([^/]+)/(\d{4}/\d{2}/\d{2})/", str(path))
        account, region, day = place.groups() if place else (None, None, "2026/01/01")
        partitions = {"log_account": account, "log_region": region, "log_day": day}
        if path.suffix == ".jsonl":
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            found = json.loads(text)["Records"]
        for record in found:
            yield record, partitions


def for_duckdb(node):
    if isinstance(node, exp.Cast) and is_a(node.to, "JSON"):
        return exp.Anonymous(this="to_json", expressions=[node.this])
    if isinstance(node, exp.ParseJSON):
        return exp.TryCast(this=node.this, to=exp.DataType.build("JSON"))
    if isinstance(node, exp.Try):
        return node.this
    if isinstance(node, exp.JSONFormat):
        return exp.cast(node.this, "VARCHAR")
    # All days count here.
    if isinstance(node, exp.Between):
        return exp.true()
    return node


def selected(path):
    text = path.read_text()
    unload = re.fullmatch(r"(?s)(?:--[^\n]*\n)*UNLOAD \(\n(.*)\n\)\nTO 's3://[^']+'\nWITH \(.*\)\n", text)
    query = sqlglot.parse_one(unload.group(1), dialect="trino")
    # From the inside outwards.
    for node in reversed(list(query.walk())):
        node.replace(for_duckdb(node))
    return query.sql(dialect="duckdb")


deploy, logs, result = map(pathlib.Path, sys.argv[1:])
columns = table(deploy / "athena/table.sql")
query = selected(deploy / "athena/records.sql")
rows = pathlib.Path(f"{result}.rows")
with rows.open("w") as file:
    for record, partitions in records(logs):
        file.write(json.dumps(row(columns, record, partitions)) + "\n")
types = ", ".join(f"'{name}': '{kind.sql(dialect='duckdb')}'" for name, kind in columns)
database = duckdb.connect()
database.execute(f"CREATE TABLE autotag_cloudtrail AS FROM read_json('{rows}', format='newline_delimited', columns={{{types}}})")
lines = [line for (line,) in database.execute(query).fetchall()]
with gzip.open(result, "wt") as file:
    file.write("".join(line + "\n" for line in lines))
rows.unlink()
