"""A small tree of its own for each test: clean, until an offence is planted in it."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class PlantedTree(unittest.TestCase):
    check = None  # the script of tools/check under test

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "tools").mkdir()
        for data in (ROOT / "tools").glob("*.toml"):
            shutil.copy(data, self.root / "tools")

    def plant(self, path, text=""):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def run_check(self, *arguments):
        command = [sys.executable, "-B", ROOT / "tools/check" / self.check, "--root", self.root, *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1 if done.stdout.count(" — ") else 0, done.stdout + done.stderr)
        return [line for line in done.stdout.splitlines() if " — " in line]

    def assert_clean(self, *arguments):
        self.assertEqual(self.run_check(*arguments), [])

    def assert_caught(self, *starts):
        """Exactly these offences, in order, each by `file:line: rule`."""
        found = self.run_check()
        self.assertEqual([line.split(": ")[0] + ": " + line.split(": ")[1] for line in found], list(starts))
