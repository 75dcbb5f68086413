#!/usr/bin/env python3
"""Does each relative link of a document (*.md) lead to a file of the tree, and to a heading that it has?"""

import pathlib
import re
import sys

import common

FOLDERS = ["src", "sim", "scenarios", "tests", "fuzz", "compose", "tools"]
LINK = re.compile(r"\]\(([^)\s]+)\)")
ELSEWHERE = re.compile(r"^[a-z]+:")  # https:, mailto:
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)


def anchors(text):
    """As GitHub makes them."""
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in HEADING.findall(text)}


def main():
    check = common.Check("documents", __doc__)
    paths = check.files(".", (".md",), recursive=False) + [path for folder in FOLDERS for path in check.files(folder, (".md",))]
    for path in paths:
        text = check.read(path)
        for match in LINK.finditer(text):
            if ELSEWHERE.match(match[1]):
                continue
            name, _, anchor = match[1].partition("#")
            target = (check.root / pathlib.PurePosixPath(path).parent / name) if name else check.root / path
            if not target.exists():
                check.offence(path, common.line_of(text, match.start()), "missing", f"there is no {name}", "name a file by its path from this one")
            elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8")):
                check.offence(path, common.line_of(text, match.start()), "heading", f"{name or path} has no heading #{anchor}",
                              "name one that it has")
    return check.finish()


if __name__ == "__main__":
    sys.exit(main())
