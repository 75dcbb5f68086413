"""compose/: a file that a compose tool takes, whose commands and variables the program takes, in an image that has its libraries.
Nothing is started: there is no engine here."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml  # docker-compose needs it, too

from reliant_process import RELIANT

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from nats_permissions import PERMISSIONS, configuration  # noqa: E402
COMPOSE = ROOT / "compose"
OURS_BUT_NO_FLAG = {"OPENAI_API_KEY", "LOG_FILE", "DATA_DIR"}


PASSWORDS = ("POSTGRES_PASSWORD", "NATS_API_PASSWORD", "NATS_WORKER_PASSWORD", "NATS_GATEWAY_PASSWORD")


def config(environment):
    return subprocess.run(["docker-compose", "-f", str(COMPOSE / "compose.yaml"), "config"], capture_output=True, text=True, timeout=60,
                          env={"PATH": "/usr/local/bin:/usr/bin:/bin", "OPENAI_API_KEY": "key"} | environment)


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        made = subprocess.run([COMPOSE / "passwords"], capture_output=True, text=True, check=True).stdout
        cls.passwords = dict(line.split("=") for line in made.split())
        done = config(cls.passwords)
        assert done.returncode == 0, done.stderr
        cls.services = yaml.safe_load(done.stdout)["services"]
        cls.dockerfile = (COMPOSE / "Dockerfile").read_text()

    def ours(self):
        return {name: about for name, about in self.services.items() if about["image"] == "reliant" and "entrypoint" not in about}

    def test_has_two_of_each_server(self):
        names = {"postgres", "nats", "temporal", "users", "daemon"} | {f"{kind}-{n}" for kind in ("api", "worker", "gateway") for n in (1, 2)}
        self.assertEqual(set(self.services), names)

    def test_ports_of_this_machine_are_distinct(self):
        ports = [port["published"] if isinstance(port, dict) else port.split(":")[-2]
                 for about in self.services.values() for port in about.get("ports", [])]
        self.assertEqual(len(ports), len(set(map(str, ports))), ports)

    def test_has_no_default_password(self):
        self.assertEqual(set(self.passwords), set(PASSWORDS))
        self.assertEqual(len(set(self.passwords.values())), len(PASSWORDS))
        for name in PASSWORDS:
            done = config({key: value for key, value in self.passwords.items() if key != name})
            self.assertNotEqual(done.returncode, 0, f"{name} has a default")
            self.assertIn("compose/passwords", done.stderr)

    def networks(self, *services):
        return set().union(*(self.services[name]["networks"] for name in services))

    def test_the_tools_daemon_reaches_nothing_but_gateways(self):
        servers = {name for name in self.services if name.startswith("gateway-")}
        reached = {name for name in self.services if self.networks(name) & self.networks("daemon")}
        self.assertEqual(reached, servers | {"daemon"})
        for name in ("postgres", "nats", "temporal"):
            self.assertEqual(self.networks(name), {"backbone"})

    def test_ports_are_on_loopback(self):
        for name, about in self.services.items():
            for port in about.get("ports", []):
                host = port.get("host_ip", "") if isinstance(port, dict) else port.split(":")[0]
                self.assertEqual(host, "127.0.0.1", name)

    def test_nats_has_the_permissions_of_the_one_list(self):
        roles = {role: {"user": role, "password": f"$NATS_{role.upper()}_PASSWORD"} for role in PERMISSIONS}
        written = re.sub(r'"(\$\w+)"', r"\1", configuration(roles))
        self.assertEqual((COMPOSE / "nats.conf").read_text().partition("\n")[2], written)

    def test_nats_takes_its_configuration(self):
        done = subprocess.run(["/usr/sbin/nats-server", "-t", "-c", str(COMPOSE / "nats.conf")], capture_output=True, text=True, timeout=30,
                              env=self.passwords)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_variable_is_one_that_the_command_reads(self):
        for name, about in self.ours().items():
            shown = subprocess.run([RELIANT, "help", *about["command"][:2]], capture_output=True, text=True, timeout=30).stdout
            known = set(re.findall(r"\[([A-Z_]+)\]", shown)) | OURS_BUT_NO_FLAG
            self.assertLessEqual(set(about.get("environment", {})), known, name)

    def test_the_program_takes_every_command(self):
        """Its only complaint may be that the servers are unreachable."""
        scratch = pathlib.Path(tempfile.mkdtemp(prefix="reliant-compose."))
        self.addCleanup(shutil.rmtree, scratch)
        for name, about in self.ours().items():
            command = [word.replace("/tokens/", f"{scratch}/").replace("demo.token", "nowhere") for word in about["command"]]
            variables = {key: str(value).replace("/demo/", f"{ROOT}/tools/demo/") for key, value in about.get("environment", {}).items()}
            variables["DATABASE_URL"] = "postgres://reliant:reliant@127.0.0.1:1/reliant"
            done = subprocess.run([RELIANT, *command], capture_output=True, text=True, timeout=30, cwd=scratch,
                                  env=variables | {"DATA_DIR": str(scratch), "HOME": str(scratch)})
            expected = "there is no token in" if name == "daemon" else "start PostgreSQL there"
            self.assertIn(expected, done.stderr, name)

    def test_dependencies_name_existing_services(self):
        for name, about in self.services.items():
            for other, how in about.get("depends_on", {}).items():
                if how["condition"] == "service_healthy":
                    self.assertIn("healthcheck", self.services[other], f"{name} waits for {other}")

    def test_the_image_has_the_libraries_of_the_program(self):
        last_stage = self.dockerfile.rpartition("\nFROM ")[2]
        needed = re.findall(r"NEEDED.*\[(.+)\]", subprocess.run(["readelf", "-d", RELIANT], capture_output=True, text=True, check=True).stdout)
        self.assertTrue(needed)
        always = {"libc6", "libgcc-s1", "libstdc++6"}
        found = subprocess.run(["dpkg", "-S", *(f"*-linux-gnu/{library}" for library in needed)], capture_output=True, text=True, check=True)
        for line in found.stdout.splitlines():
            package = line.split(":")[0]
            self.assertIn(package, always | set(re.findall(r"[a-z0-9][a-z0-9+.-]+", last_stage)), line)

    def test_the_image_is_built_from_files_that_are_there(self):
        for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", self.dockerfile, re.MULTILINE):
            for source in sources.split():
                self.assertTrue((ROOT / source).exists(), source)
        self.assertTrue((ROOT / "tools" / "setup").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
