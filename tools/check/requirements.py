#!/usr/bin/env python3
"""Is every requirement (R12) and decision (C3) that is cited defined in src/requirements.md, and once?"""

import re
import sys

import common

DEFINITIONS = "src/requirements.md"
FOLDERS = ["src", "sim", "proto", "scenarios", "tests", "fuzz", "compose", "tools"]
SUFFIXES = (".h", ".cpp", ".proto", ".yaml", ".py", ".md", ".toml")
DEFINED = re.compile(r"^\| ([RC][0-9]+) \|", re.MULTILINE)
CITED = re.compile(r"(?<![\w.%\\])[RC][1-9][0-9]{0,2}\b(?![.(][0-9a-z])")


def main():
    check = common.Check("requirements", __doc__)
    text = check.read(DEFINITIONS)
    defined = set()
    for match in DEFINED.finditer(text):
        if match[1] in defined:
            check.offence(DEFINITIONS, common.line_of(text, match.start()), "twice", f"{match[1]} is defined again", "give it one row")
        defined.add(match[1])
    paths = [path for folder in FOLDERS for path in check.files(folder, SUFFIXES)]
    for path in [*paths, *check.files(".", (".md",), recursive=False)]:
        text = "" if path == DEFINITIONS else check.read(path)
        for match in CITED.finditer(text):
            if match[0] not in defined:
                check.offence(path, common.line_of(text, match.start()), "undefined", f"{match[0]} is cited",
                              f"define it in {DEFINITIONS}, or cite the right one")
    return check.finish()


if __name__ == "__main__":
    sys.exit(main())
