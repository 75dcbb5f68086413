"""compose/compose.yaml brought up: chats go through it, and every accepted chat ends although each service restarts under it."""

import json
import os
import subprocess
import threading
import time
import unittest

from containers import HERE, ROOT, SCRIPT, Containers, until
from reliant_process import RELIANT, free_ports

PORTS = ("API_1_PORT", "API_2_PORT", "GATEWAY_1_PORT", "GATEWAY_2_PORT")
WITH_HEALTH = ("postgres", "temporal", "api-1", "api-2", "worker-1", "worker-2", "gateway-1", "gateway-2", "daemon")
RESTARTED = ("nats", *WITH_HEALTH)
CHAT_SECONDS = 120


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.containers = Containers()
        cls.addClassCleanup(cls.containers.close)
        scratch = cls.containers.scratch
        (scratch / "demo").mkdir()
        (scratch / "demo/script.yaml").write_text(SCRIPT)
        ports = dict(zip(PORTS, free_ports(len(PORTS))))
        passwords = subprocess.run([ROOT / "compose/passwords"], capture_output=True, text=True, check=True).stdout
        (scratch / "env").write_text(passwords + "".join(f"{name}={port}\n" for name, port in ports.items())
                                     + f"TEST_SCRIPTS={scratch}/demo\n")
        cls.urls = [f"http://127.0.0.1:{ports[name]}" for name in PORTS[:2]]
        # Neither a model of this machine's environment nor a password of it.
        clean = {key: value for key, value in cls.containers.environment.items()
                 if not key.startswith(("OPENAI_", "RELIANT_", "NATS_", "POSTGRES_"))}
        cls.environment = clean | {"DOCKER_HOST": f"unix://{cls.containers.serve_docker_api()}"}
        cls.containers.undo.callback(cls.down)
        cls.up()
        cls.token = scratch / "token"
        cls.token.write_text(cls.inside("daemon", "cat", "/tokens/demo.token").stdout)
        cls.token.chmod(0o600)

    @classmethod
    def compose(cls, *arguments, check=True):
        command = ["docker-compose", "--env-file", str(cls.containers.scratch / "env"), "-p", cls.containers.name,
                   "-f", str(ROOT / "compose/compose.yaml"), "-f", str(HERE / "compose.yaml"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=cls.environment, timeout=300)
        assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done

    @classmethod
    def down(cls):
        cls.compose("down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)
        ours = f"label=com.docker.compose.project={cls.containers.name}"
        ids = cls.containers.podman("ps", "-aq", "--filter", ours).stdout.split()
        if ids:
            cls.containers.podman("rm", "--force", "--volumes", *ids, check=False)
        for kind in ("network", "volume"):
            ids = cls.containers.podman(kind, "ls", "-q", "--filter", ours).stdout.split()
            if ids:
                cls.containers.podman(kind, "rm", "--force", *ids, check=False)

    @classmethod
    def up(cls):
        """docker-compose waits for health checks, which podman does not run by itself."""
        done = threading.Event()

        def check_health():
            while not done.wait(1):
                for name in WITH_HEALTH:
                    cls.healthy(name)

        checker = threading.Thread(target=check_health)
        checker.start()
        try:
            cls.compose("up", "--detach", "--no-build")
        finally:
            done.set()
            checker.join()

    @classmethod
    def container(cls, service):
        return f"{cls.containers.name}_{service}_1"

    @classmethod
    def healthy(cls, service):
        return cls.containers.podman("healthcheck", "run", cls.container(service), check=False).returncode == 0

    @classmethod
    def inside(cls, service, *command, check=True):
        return cls.containers.podman("exec", cls.container(service), *command, check=check)

    def send(self, text, url):
        """The project is a directory of the client's machine and of the daemon's container."""
        chat = subprocess.Popen([RELIANT, "chat", "send", text, "--watch", "--json", "--server", url, "--token-file", str(self.token),
                                 "--project", "/tmp", "--timeout", str(CHAT_SECONDS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env={"PATH": os.environ["PATH"], "HOME": str(self.containers.scratch)})
        self.addCleanup(lambda: chat.poll() is None and (chat.kill(), chat.communicate()))
        return chat

    def ends(self, chat):
        try:
            said, complaint = chat.communicate(timeout=CHAT_SECONDS)
        except subprocess.TimeoutExpired:
            chat.kill()
            said, complaint = chat.communicate()
            self.fail(f"the chat does not end within {CHAT_SECONDS} s: {said[-2000:]}{complaint[-2000:]}")
        self.assertEqual(chat.returncode, 0, said[-2000:] + complaint[-2000:])
        self.assertIn("all is done", said)

    def marks(self):
        return self.inside("daemon", "sh", "-c", "cat /data/marks 2>/dev/null", check=False).stdout.split()

    def test_a_chat_goes_through_each_api_server(self):
        for url in self.urls:
            self.ends(self.send("work", url))

    def test_chats_end_although_each_service_restarts(self):
        for service in RESTARTED:
            with self.subTest(service):
                before = len(self.marks())
                chats = [self.send("work", url) for url in self.urls]
                until("a tool is at work", lambda: len(self.marks()) > before)
                began = time.monotonic()
                self.compose("restart", "--timeout", "30", service)
                for chat in chats:
                    self.ends(chat)
                print(f"{service}: the chats ended {time.monotonic() - began:.0f} s after its restart began", flush=True)
                for name in WITH_HEALTH:
                    until(f"{name} is healthy after the restart of {service}", lambda name=name: self.healthy(name))
        marks = self.marks()
        self.assertEqual(len(marks), len(set(marks)), "a tool ran twice")

    def test_the_daemon_reaches_gateways_only(self):
        for host, port in (("gateway-1", 9190), ("gateway-2", 9190)):
            self.assertEqual(self.inside("daemon", "bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}", check=False).returncode, 0, host)
        for name, port in (("postgres", 5432), ("nats", 4222), ("temporal", 7233), ("api-1", 8080)):
            known = json.loads(self.containers.podman("inspect", self.container(name)).stdout)[0]["NetworkSettings"]["Networks"]
            for address in (name, *(about["IPAddress"] for about in known.values())):
                done = self.inside("daemon", "timeout", "3", "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}", check=False)
                self.assertNotEqual(done.returncode, 0, f"the daemon reaches {name} as {address}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
