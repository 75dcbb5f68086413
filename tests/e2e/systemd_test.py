"""tools/systemd/: units that systemd accepts, with a command that the program accepts, and a restart policy that fits its exit
codes. systemd starts nothing here: the machine need not run it."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from reliant_process import RELIANT

UNITS = pathlib.Path(__file__).resolve().parents[2] / "tools" / "systemd"
SERVER_TYPES = ("api", "worker", "gateway")


def values(unit, key):
    return re.findall(rf"^{key}=(.*)$", (UNITS / unit).read_text(), re.MULTILINE)


class Systemd(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="reliant-systemd."))
        self.addCleanup(shutil.rmtree, self.scratch)

    def reliant(self, *words, **variables):
        clean = {"PATH": os.environ["PATH"], "HOME": str(self.scratch), "DATA_DIR": str(self.scratch)}
        return subprocess.run([RELIANT, *words], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, env=clean | variables)

    def complaints(self, unit, *flags, program=None):
        """The output of `systemd-analyze verify`, with the local path of the program."""
        program = program or pathlib.Path(RELIANT).resolve()
        copy = self.scratch / unit
        copy.write_text((UNITS / unit).read_text().replace("/usr/local/bin/reliant", str(program)))
        done = subprocess.run(["systemd-analyze", *flags, "verify", str(copy)], capture_output=True, text=True, timeout=60,
                              env=os.environ | {"XDG_RUNTIME_DIR": str(self.scratch)})
        name = unit.removesuffix(".service").rstrip("@")
        return [line for line in done.stderr.splitlines() if name in line] or ["it failed"] * (done.returncode != 0)

    def test_systemd_takes_the_units(self):
        self.assertEqual(self.complaints("reliant-daemon.service", "--user"), [])
        self.assertEqual(self.complaints("reliant-server@.service"), [])

    def test_systemd_rejects_a_broken_unit(self):
        self.assertIn("/nowhere/reliant", "".join(self.complaints("reliant-daemon.service", "--user", program="/nowhere/reliant")))

    def test_the_program_knows_the_commands_and_their_variables(self):
        for unit, names in {"reliant-daemon.service": [""], "reliant-server@.service": SERVER_TYPES}.items():
            [command] = values(unit, "ExecStart")
            for name in names:
                words = command.replace("%i", name).split()[1:]
                shown = self.reliant("help", *words[:2])
                self.assertEqual(shown.returncode, 0, shown.stderr)
                known = set(re.findall(r"\[([A-Z_]+)\]", shown.stdout))
                given = {word.split("=")[0] for line in values(unit, "Environment") for word in line.split()}
                self.assertLessEqual(given, known, unit)

    def test_configuration_errors_are_not_retried(self):
        for kind in SERVER_TYPES:
            wrong = self.reliant("server", kind)  # no DATABASE_URL
            self.assertIn(str(wrong.returncode), values("reliant-server@.service", "RestartPreventExitStatus")[0].split(), wrong.stderr)
        wrong = self.reliant("daemon", "start", "--gateway", "nonsense")
        self.assertIn(str(wrong.returncode), values("reliant-daemon.service", "RestartPreventExitStatus")[0].split(), wrong.stderr)

    def test_missing_dependencies_are_retried(self):
        away = self.reliant("server", "gateway", DATABASE_URL="postgres://user@127.0.0.1:1/nothing", NATS_URL="nats://127.0.0.1:1",
                            DISABLE_TLS="true")
        self.assertNotEqual(away.returncode, 0)
        self.assertNotIn(str(away.returncode), values("reliant-server@.service", "RestartPreventExitStatus")[0].split(), away.stderr)

    def test_the_grace_time_fits_into_that_of_systemd(self):
        for unit, command in {"reliant-daemon.service": ("daemon", "start"), "reliant-server@.service": ("server", "gateway")}.items():
            [grace] = re.findall(r"--grace SECONDS .*default (\d+)", self.reliant("help", *command).stdout)
            self.assertGreater(int(values(unit, "TimeoutStopSec")[0]), int(grace), unit)


if __name__ == "__main__":
    unittest.main(verbosity=2)
