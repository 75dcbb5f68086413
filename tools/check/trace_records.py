#!/usr/bin/env python3
"""Is every record that the code writes in sim/kernel/trace_schema.cpp, with its fields, and is everything in there written?

A record is written by a call of debug, info, warning, error or record with its name as a literal. Of those whose name is put
together (FaultEngine::announce), the parts are looked up here.
"""

import re
import sys

import common

SCHEMA = "sim/kernel/trace_schema.cpp"
FAULTS = "sim/faults/fault_plan.h"
FOLDERS = ["src", "sim"]
ENTRY = re.compile(r'\{"([a-z0-9_.]+)",\s*"([a-z ]+)",\s*"([a-z0-9_ ,?]*)",\s*"[^"]+"\s*(?:"[^"]*"\s*)*\}', re.DOTALL)
CALL = re.compile(r'(?:\.|->)(debug|info|warning|error|record)\(')
NAME = re.compile(r'"([a-z_]+(?:\.[a-z_]+)+)"')
FIELD = re.compile(r'\{\s*"([a-z_]+)"\s*,')
LITERAL = re.compile(r'"([a-z_.]+)"')
KIND = re.compile(r'kName = "([a-z_]+)"')
FAULT_FIELDS = ["target", "other", "lasts_us"]


def entries(text):
    """Name -> (field names in order, those that may be missing, offset)."""
    found = {}
    for match in ENTRY.finditer(text):
        fields = [field.split() for field in match[3].split(",") if field.strip()]
        names = [field[0].removesuffix("?") for field in fields]
        found[match[1]] = (names, {n for n, f in zip(names, fields) if f[0].endswith("?")}, match.start())
    return found


def arguments(text, start):
    """The text between the parenthesis that ends at `start` and the one that closes it."""
    depth, at = 1, start
    while at < len(text) and depth:
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[start:at - 1]


def calls(text):
    """(name, fields, offset) of every record that is written under a literal name."""
    for match in CALL.finditer(text):
        inside = arguments(text, match.end())
        head = inside.split("{", 1)[0]  # several names: `record(lost ? "a.lost" : "a.left", …)`
        for name in NAME.findall(head):
            yield name, FIELD.findall(inside[len(head):]), match.start()


def fits(fields, schema):
    names, optional, _ = schema
    at = 0
    for field in fields:
        while at < len(names) and names[at] != field and names[at] in optional:
            at += 1
        if at == len(names) or names[at] != field:
            return False
        at += 1
    return all(name in optional for name in names[at:])


def main():
    check = common.Check("trace_records", __doc__)
    text = check.read(SCHEMA)
    known = entries(text)
    unused, written = set(known), set()
    for folder in FOLDERS:
        for path in check.files(folder):
            if path == SCHEMA:
                continue
            code = common.strip(check.read(path), keep_strings=True)
            unused.difference_update(LITERAL.findall(code))
            for name, fields, offset in calls(code):
                written.add(name)
                line = common.line_of(code, offset)
                if name not in known:
                    check.offence(path, line, "unknown", f'the record "{name}" is in no schema',
                                  f"describe it in {SCHEMA}: {', '.join(fields)}")
                elif not fits(fields, known[name]):
                    check.offence(path, line, "fields", f'"{name}" has the fields {", ".join(fields)}; the schema says '
                                  f'{", ".join(known[name][0])}', f"correct one of them ({SCHEMA})")
    if (check.root / FAULTS).is_file():
        code = common.strip(check.read(FAULTS), keep_strings=True)
        for match in KIND.finditer(code):
            name = f"fault.{match[1]}"
            unused.discard(name)
            if name not in known or not (name in written or fits(FAULT_FIELDS, known[name])):
                check.offence(FAULTS, common.line_of(code, match.start()), "unknown", f'the record "{name}" is in no schema',
                              f"describe it in {SCHEMA}: {', '.join(FAULT_FIELDS)}")
    for name in sorted(unused):
        if not name.startswith(("net.", "run.")):  # written by the trace's own sink and the runner, from data
            check.offence(SCHEMA, common.line_of(text, known[name][2]), "unused", f'no code writes "{name}"', "take it out")
    return check.finish()


if __name__ == "__main__":
    sys.exit(main())
