"""Plays a program of random scripts with a seed that nobody has tried: drawn from the commit, as tools/sweep does, so that
every one is looked at with its own. Given to it: the program. RC_PARAMS in the environment replaces the seed.

The first line is what repeats the run.
"""

import os
import pathlib
import runpy
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    program = sys.argv[1]
    seed_of_commit = runpy.run_path(str(ROOT / "tools/sweep"))["seed_of_commit"]
    parameters = os.environ.get("RC_PARAMS") or f"seed={seed_of_commit()}"
    print(f'RC_PARAMS="{parameters}" {program}', flush=True)
    os.execve(program, [program], {**os.environ, "RC_PARAMS": parameters})


main()
