"""The processes that are measured: what they take, and a cluster of them for as long as a measurement lasts."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

TICKS = os.sysconf("SC_CLK_TCK")


def resident(pid):
    """Kilobytes."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def cpu_seconds(pid):
    """With its children, those that have ended, too."""
    def ticks(process, *fields):
        with contextlib.suppress(OSError):
            values = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            return sum(int(values[field]) for field in fields)
        return 0
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (ticks(pid, 11, 12, 13, 14) + sum(ticks(child, 11, 12) for child in children)) / TICKS


class BenchCluster:
    """What tools/cluster of the checkout starts that `binaries` (CHECKOUT/build/release/bin) are of."""

    def __init__(self, binaries, **counts):
        self.tool = binaries.parents[2] / "tools" / "cluster"
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="reliant-bench."))
        self.directory.chmod(0o755)  # PostgreSQL's user has to reach it
        words = [word for name, count in counts.items() for word in (f"--{name}", str(count))]
        try:
            self.run("up", "--binary", binaries / "reliant", *words)
        except BaseException:
            self.close()
            raise
        self.state = json.loads((self.directory / "cluster.json").read_text())
        self.nats = f"nats://127.0.0.1:{self.state['nats']['port']}"
        self.database = f"postgres://reliant@127.0.0.1:{self.state['postgres']['port']}/reliant"

    def run(self, *words, check=True):
        done = subprocess.run([self.tool, *words, "--dir", self.directory], stdout=subprocess.DEVNULL)
        if check and done.returncode:
            raise SystemExit(f"tools/bench: tools/cluster {words[0]} failed")

    def close(self):
        self.run("down", check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
