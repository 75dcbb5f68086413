"""tools/systemd/: the units started by systemd, which is the first process of a container. Servers and a user's daemon serve a chat, come
back when they are killed, end in order, and are not started again when their command line is wrong."""

import json
import pathlib
import unittest

from containers import IMAGE, ROOT, SCRIPT, Containers, until

SERVERS = ("worker", "api", "gateway")
HEALTH = {"api": 8081, "worker": 8082, "gateway": 8083}
UNITS = {**{f"reliant-server@{kind}": [] for kind in SERVERS}, "reliant-daemon": ["--user"]}  # and the flags that systemctl takes
PASSWORD = "of-this-test"
USER = "demo"  # of the image, with the number 10002
CREDENTIALS = ".config/reliant/auth/reliant-daemon.json"


class SystemdUnits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.containers = Containers()
        cls.addClassCleanup(cls.containers.close)
        cls.network = cls.containers.name
        cls.containers.podman("network", "create", cls.network)
        cls.containers.undo.callback(cls.containers.podman, "network", "rm", "--force", cls.network, check=False)
        cls.run_container("postgres", f"{IMAGE}-postgres", "--env", "POSTGRES_USER=reliant", "--env", "POSTGRES_DB=reliant",
                          "--env", f"POSTGRES_PASSWORD={PASSWORD}")
        cls.run_container("nats", f"{IMAGE}-nats")
        cls.run_container("temporal", f"{IMAGE}-temporal", "--tmpfs", "/data")
        # What the units ask of systemd (devices of their own, no capabilities) takes the rights of a machine's.
        cls.run_container("machine", f"{IMAGE}-systemd", "--systemd=always", "--privileged", "--volume", f"{ROOT}/tools/systemd:/units:ro")
        cls.wait("systemd runs", lambda: cls.inside("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"))
        cls.install_servers()
        cls.install_daemon()

    @classmethod
    def run_container(cls, name, image, *options):
        called = f"{cls.containers.name}-{name}"
        cls.containers.undo.callback(cls.containers.podman, "rm", "--force", "--volumes", "--time", "5", called, check=False)
        cls.containers.podman("run", "--detach", "--name", called, "--network", cls.network, "--network-alias", name, *options, image)

    @classmethod
    def wait(cls, what, condition):
        try:
            until(what, condition)
        except AssertionError as error:
            said = cls.inside("journalctl", "--no-pager", "--lines", "40", check=False).stdout
            raise AssertionError(f"{error}; the journal ends with\n{said}") from None

    @classmethod
    def inside(cls, *command, check=True):
        return cls.containers.podman("exec", f"{cls.containers.name}-machine", *command, check=check)

    @classmethod
    def as_user(cls, *command, check=True):
        # Without the variables of compose/Dockerfile, which a login of the user has not either.
        return cls.containers.podman("exec", "--user", USER, f"{cls.containers.name}-machine", "env", "--unset=DATA_DIR", "--unset=LOG_FILE",
                                     "XDG_RUNTIME_DIR=/run/user/10002", f"HOME=/home/{USER}", *command, check=check)

    @classmethod
    def systemctl(cls, unit, *words, check=True):
        run = cls.as_user if UNITS.get(unit) else cls.inside
        return run("systemctl", *UNITS.get(unit, []), *words, unit, check=check)

    @classmethod
    def shown(cls, unit, key):
        return cls.systemctl(unit, "show", "--property", key, "--value").stdout.strip()

    @classmethod
    def put(cls, place, text, owner="root"):
        file = cls.containers.scratch / "put"
        file.write_text(text)
        cls.inside("install", "-d", "-o", owner, "-m", "0755", str(pathlib.PurePath(place).parent))
        cls.containers.podman("cp", file, f"{cls.containers.name}-machine:{place}")
        cls.inside("chown", owner, place)
        cls.inside("chmod", "0600", place)

    @classmethod
    def install_servers(cls):
        cls.inside("cp", "/units/reliant-server@.service", "/etc/systemd/system/")
        shared = [f"DATABASE_URL=postgres://reliant:{PASSWORD}@postgres/reliant?sslmode=disable", "NATS_URL=nats://nats:4222",
                  "TEMPORAL_HOST=temporal", "TEMPORAL_NAMESPACE=reliant", "DISABLE_TLS=true"]
        more = {"gateway": ["ADVERTISE_ADDRESS=localhost:9190"], "worker": ["RELIANT_MODEL_SCRIPT=/etc/reliant/script.yaml"], "api": []}
        cls.put("/etc/reliant/script.yaml", SCRIPT.replace("/data/marks", f"/home/{USER}/marks"))
        cls.inside("chmod", "0644", "/etc/reliant/script.yaml")  # the servers' user is one that systemd makes
        for kind in SERVERS:
            cls.put(f"/etc/reliant/{kind}.env", "\n".join([*shared, f"HEALTH_PORT={HEALTH[kind]}", *more[kind]]) + "\n")
        cls.inside("systemctl", "daemon-reload")
        for kind in SERVERS:
            cls.systemctl(f"reliant-server@{kind}", "enable", "--now")
        for kind in SERVERS:
            cls.wait(f"the {kind} server is ready", lambda kind=kind: cls.ready(kind))

    @classmethod
    def install_daemon(cls):
        database = f"DATABASE_URL=postgres://reliant:{PASSWORD}@postgres/reliant?sslmode=disable"
        admin = ["env", database, "reliant", "admin"]
        cls.inside(*admin, "user", "add", USER, "--id", USER)
        cls.token = json.loads(cls.inside(*admin, "token", "create", USER, "--json").stdout)["token"]
        made = json.loads(cls.inside(*admin, "token", "create", USER, "--daemon", "machine", "--json").stdout)
        cls.as_user("mkdir", "-p", "-m", "0700", f"/home/{USER}/.config/reliant/auth", f"/home/{USER}/.config/systemd/user", f"/home/{USER}/.reliant")
        cls.put(f"/home/{USER}/.reliant/daemon.json", json.dumps({"daemon_id": "machine"}), USER)
        cls.put(f"/home/{USER}/{CREDENTIALS}", json.dumps({"daemon_id": "machine", "user_id": USER, "token": made["token"]}), USER)
        cls.put(f"/home/{USER}/.config/systemd/user/reliant-daemon.service", (ROOT / "tools/systemd/reliant-daemon.service").read_text(), USER)
        cls.put(f"/home/{USER}/.config/systemd/user/reliant-daemon.service.d/gateway.conf",
                "[Service]\nEnvironment=RELIANT_GATEWAY_URL=http://localhost:9190\n", USER)
        cls.inside("loginctl", "enable-linger", USER)
        cls.wait("the user's systemd runs", lambda: cls.as_user("systemctl", "--user", "daemon-reload", check=False).returncode == 0)
        cls.systemctl("reliant-daemon", "enable", "--now")
        cls.wait("the daemon is connected", cls.daemon_connected)

    @classmethod
    def ready(cls, kind):
        ask = f"exec 3<>/dev/tcp/127.0.0.1/{HEALTH[kind]}; printf 'GET /ready HTTP/1.0\\r\\n\\r\\n' >&3; grep -q '200 OK' <&3"
        return cls.inside("bash", "-c", ask, check=False).returncode == 0

    @classmethod
    def daemon_connected(cls):
        return cls.as_user("reliant", "daemon", "status", check=False).returncode == 0

    def have_chat(self):
        said = self.as_user("env", f"RELIANT_TOKEN={self.token}", "reliant", "chat", "send", "work", "--watch", "--json", "--project",
                            f"/home/{USER}", "--server", "http://localhost:8080", "--timeout", "60")
        self.assertIn("all is done", said.stdout)

    def test_a_chat_goes_through_them(self):
        self.have_chat()

    def test_what_is_killed_is_started_again(self):
        for unit in UNITS:
            with self.subTest(unit):
                before = self.shown(unit, "MainPID")
                self.systemctl(unit, "kill", "--kill-whom=main", "--signal=KILL")
                self.wait(f"{unit} runs again", lambda unit=unit, before=before: self.shown(unit, "MainPID") not in ("0", before))
        for kind in SERVERS:
            self.wait(f"the {kind} server is ready", lambda kind=kind: self.ready(kind))
        self.wait("the daemon is connected", self.daemon_connected)
        self.have_chat()

    def test_what_is_stopped_ends_in_order(self):
        for unit in reversed(UNITS):
            with self.subTest(unit):
                self.systemctl(unit, "stop")
                self.assertEqual((self.shown(unit, "Result"), self.shown(unit, "ExecMainStatus")), ("success", "0"))
        for unit in UNITS:
            self.systemctl(unit, "start")
        for kind in SERVERS:
            self.wait(f"the {kind} server is ready", lambda kind=kind: self.ready(kind))
        self.wait("the daemon is connected", self.daemon_connected)

    def test_a_wrong_command_line_is_not_tried_again(self):
        self.put("/etc/reliant/nonsense.env", "\n")
        unit = "reliant-server@nonsense"
        self.systemctl(unit, "start", check=False)
        self.wait(f"{unit} has failed", lambda: self.shown(unit, "ActiveState") == "failed")
        self.assertEqual((self.shown(unit, "ExecMainStatus"), self.shown(unit, "NRestarts")), ("2", "0"))

    def test_servers_keep_nothing_that_others_can_read(self):
        for kind in SERVERS:
            self.assertEqual(self.inside("stat", "--format", "%a", "-L", f"/var/lib/reliant-{kind}").stdout.strip(), "700")


if __name__ == "__main__":
    unittest.main(verbosity=2)
