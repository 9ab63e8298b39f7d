"""The database of a running demo, for the browser tests.

database.py FILE digest         table to the hash of its rows, as JSON
database.py FILE run SQL V..    runs one statement with values (JSON each); prints the rows, as JSON
"""

import hashlib
import json
import sqlite3
import sys

BUSY_SECONDS = 10


def digest(database):
    # One read transaction: all tables of the same moment.
    database.execute("BEGIN")
    names = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall()
    hashes = {}
    for (name,) in names:
        rows = sorted(repr(row) for row in database.execute(f'SELECT * FROM "{name}"'))
        hashes[name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return hashes


def run(database, sql, *values):
    rows = database.execute(sql, [json.loads(value) for value in values]).fetchall()
    return [[value.hex() if isinstance(value, bytes) else value for value in row] for row in rows]


def main():
    path, action, *arguments = sys.argv[1:]
    database = sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    done = digest(database) if action == "digest" else run(database, *arguments)
    json.dump(done, sys.stdout)


main()
