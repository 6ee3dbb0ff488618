"""Runs Athena's statements of a page over a plan: argv is the plan, stdin the statements as a JSON list, the table first."""

import json
import sys

import duckdb
import sqlglot

TYPES = {"VARCHAR": "VARCHAR", "MAP<VARCHAR, VARCHAR>": "MAP(VARCHAR, VARCHAR)", "ARRAY<VARCHAR>": "VARCHAR[]"}

plan = sys.argv[1]
table, *queries = json.load(sys.stdin)
columns = {
    column.name: TYPES[column.args["kind"].sql().replace("TEXT", "VARCHAR")]
    for column in sqlglot.parse_one(table, read="athena").find_all(sqlglot.exp.ColumnDef)
}
with open(plan, encoding="utf-8") as file:
    keys = list(json.loads(next(file)))
if list(columns) != keys:
    sys.exit(f"the table has {list(columns)}, a row has {keys}")
database = duckdb.connect()
database.execute(f"CREATE TABLE autotag_plan AS SELECT * FROM read_json('{plan}', columns = {columns})")
for query in queries:
    rows = database.execute(sqlglot.transpile(query, read="athena", write="duckdb")[0]).fetchall()
    if len(rows) < 2:
        sys.exit(f"{query} answers {rows}")
    print(len(rows), "rows")
