"""What a cluster of real processes leaves behind, as `reliant-sim judge` reads it: one trace of all event logs, and the rows of
the store."""

import contextlib
import datetime
import json
import pathlib
import re
import subprocess

TABLES = ("users", "projects", "chats", "messages", "updates", "daemons", "tool_executions")  # what is referred to comes first
SERVICES = {"bus": "nats", "database": "postgres", "temporal": "temporal"}  # by the scenarios' names
SECOND = 10**9


class Failure(Exception):
    """One line for people."""


def nanoseconds(text):
    """Of the time of an event log's line."""
    when = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int(when.timestamp()) * SECOND + when.microsecond * 1000


def events_in(data):
    """(time in ns, level, name, fields) of each whole line of an event log."""
    for line in data.decode(errors="replace").splitlines():
        with contextlib.suppress(ValueError):  # the last one of a process that was killed
            fields = json.loads(line)
            fields.pop("role", None)
            yield nanoseconds(fields.pop("time")), fields.pop("level"), fields.pop("event"), fields


def write_trace(file, records, first, addresses):
    """`records`: (time in ns, node, level, name, fields). `first`: when the run began. `addresses`: what processes call each
    other by, and the name that stands for it: the oracles know a gateway by its name."""
    with open(file, "w", encoding="utf-8") as out:
        for step, (when, node, level, name, fields) in enumerate(sorted(records, key=lambda record: record[0]), 1):
            head = {"step": step, "time_ns": max(0, when - first), "node": node, "level": level, "name": name}
            named = {key: addresses.get(value, value) for key, value in fields.items()}
            out.write(json.dumps(head | named) + "\n")


def addresses_of(ports):
    """`ports`: of gateways, by name."""
    return {f"127.0.0.1:{port}": f"{name}:{port}" for name, port in ports.items()}


def postgres_program(name):
    versions = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    return next((str(version / name) for version in versions if (version / name).exists()), name)


def rows_of(url):
    """What the store holds, as INSERTs that any SQL database takes."""
    out = []
    for table in TABLES:
        dump = subprocess.run([postgres_program("pg_dump"), "--data-only", "--column-inserts", "--table", table, url],
                              capture_output=True, text=True, check=True).stdout
        found = re.findall(rf"^INSERT INTO public\.{table} .*?\);$", dump, flags=re.M | re.S)
        out += [row.replace(f"INSERT INTO public.{table} ", f"INSERT INTO {table} ", 1) for row in found]
    return "\n".join(out) + "\n"
