#!/usr/bin/env python3
"""Is every C++ file as clang-format-19 writes it (.clang-format)? Remedy: clang-format-19 -i FILE."""

import re
import subprocess
import sys

import common

PROGRAM = "clang-format-19"
FOLDERS = ["src", "sim", "tests", "fuzz"]
BATCH = 50  # files of one call
OFFENCE = re.compile(r"^(.+?):(\d+):\d+: error: code should be clang-formatted", re.MULTILINE)


def main():
    check = common.Check("format", __doc__)
    paths = [path for folder in FOLDERS for path in check.files(folder)]
    check.judged = len(paths)
    told = set()
    for begin in range(0, len(paths), BATCH):
        batch = paths[begin:begin + BATCH]
        done = subprocess.run([PROGRAM, "--dry-run", "-Werror", *batch], cwd=check.root, capture_output=True, text=True)
        found = OFFENCE.findall(done.stderr)
        if done.returncode and not found:
            sys.exit(f"format: {PROGRAM}: {done.stderr}")
        for path, line in found:
            if path not in told:  # the first line is enough
                told.add(path)
                check.offence(path, int(line), "format", "the layout differs from .clang-format", f"{PROGRAM} -i {path}")
    return check.finish()


if __name__ == "__main__":
    sys.exit(main())
