"""What tools/cluster starts, for as long as a measurement takes."""

import json
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class BenchCluster:
    def __init__(self, binaries, **counts):
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

    def run(self, *words, check=True):
        done = subprocess.run([ROOT / "tools" / "cluster", *words, "--dir", self.directory], stdout=subprocess.DEVNULL)
        if check and done.returncode:
            raise SystemExit(f"tools/bench: tools/cluster {words[0]} failed")

    def close(self):
        self.run("down", check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
