#!/usr/bin/env python3
"""Does every planted bug still apply, and does the table of tests/planted/README.md say how it was found?

Cheap: nothing is built. `tools/planted` builds each and shows that it is found.
"""

import os
import re
import shutil
import subprocess
import sys

import common

FOLDER = "tests/planted"
TABLE = FOLDER + "/README.md"
LEAST = 12
ROW = re.compile(r"^\| `([a-z0-9_]+)` \| (.*) \| `([a-z0-9_/]+)` \| `([a-z_.]+)` \| (\d+) \|$")


class Row:
    """A row of the table: a patch, and the seed that finds it."""

    def __init__(self, match, line):
        self.name, self.breaks, self.scenario, self.oracle, self.seeds = match[1], match[2], match[3], match[4], int(match[5])
        self.line = line

    def __str__(self):
        return f"| `{self.name}` | {self.breaks} | `{self.scenario}` | `{self.oracle}` | {self.seeds} |"

    def file(self):
        return f"scenarios/{self.scenario}.yaml"


def table(text):
    """The rows by name. A line that begins like a row and cannot be parsed is a row without a match: `bad`."""
    rows, bad = {}, []
    for number, line in enumerate(text.splitlines(), 1):
        match = ROW.match(line)
        if match:
            rows[match[1]] = Row(match, number)
        elif line.startswith("| `"):
            bad.append(number)
    return rows, bad


def apply(root, patch, *options):
    """`git apply` as a plain patch program: whether the tree is a checkout makes no difference. Returns its complaint."""
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(root.resolve().parent)}
    run = subprocess.run(["git", "apply", *options, str(patch)], cwd=root, env=environment, capture_output=True, text=True)
    return run.stderr.strip() if run.returncode else ""


def main():
    check = common.Check("planted", __doc__)
    root = check.root
    rows, bad = table(check.read(TABLE))
    for line in bad:
        check.offence(TABLE, line, "row", "cannot be read",
                      "write | `patch` | what it breaks | `folder/scenario` | `oracle` | seeds |")
    paths = sorted(p.relative_to(root).as_posix() for p in (root / FOLDER).glob("*.patch"))
    for path in paths:
        check.read(path)
        row = rows.pop(os.path.basename(path).removesuffix(".patch"), None)
        if row is None:
            check.offence(path, 1, "table", f"{TABLE} has no row of it", "write one: what it breaks, scenario, oracle, seeds")
        elif not (root / row.file()).is_file():
            check.offence(TABLE, row.line, "scenario", f"{row.file()} does not exist", "name an existing scenario")
        elif row.seeds == 0:
            check.offence(TABLE, row.line, "unseen", f"{row.scenario} has not been seen to find it",
                          f"run `tools/planted --update {row.name}`, and make the scenario or the oracle stronger when it is missed")
        complaint = apply(root, (root / path).resolve(), "--check") if shutil.which("git") else ""
        if complaint:
            check.offence(path, 1, "stale", f"does not apply: {complaint.splitlines()[0]}",
                          "plant the bug again (git diff > the patch), and run tools/planted")
    for row in rows.values():
        check.offence(TABLE, row.line, "table", f"there is no {FOLDER}/{row.name}.patch", "take the row out")
    if len(paths) < LEAST:
        check.offence(TABLE, 1, "too-few", f"there are {len(paths)} planted bugs", f"plant {LEAST} at least")
    return check.finish()


if __name__ == "__main__":
    sys.exit(main())
