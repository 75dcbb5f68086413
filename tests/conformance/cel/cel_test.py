"""The conformance tests of CEL (tools/cel_spec fetches them) against src/expr. Argument: the program cel_suite."""

import pathlib
import subprocess
import sys

TOOLS = pathlib.Path(__file__).resolve().parent.parent.parent.parent / "tools"

folder = subprocess.run([str(TOOLS / "cel_spec")], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
sys.exit(subprocess.run([sys.argv[1], folder], check=False).returncode)
