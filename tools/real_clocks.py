"""A calendar of its own for each process, by Debian's libfaketime. Monotonic clocks stay the machine's."""

import pathlib
import threading
import time

from real_run import SECOND, Failure

LIBRARY = "faketime/libfaketimeMT.so.1"
WITHOUT = ("nats", "temporal")  # programs in Go, which call the kernel themselves: no library comes in between


def library():
    """Its path; None: it is not installed."""
    return next((str(path) for path in pathlib.Path("/usr/lib").glob(f"*/{LIBRARY}")), None)


class Clocks:
    def __init__(self, directory, processes):
        self.directory = directory
        self.lock = threading.Lock()
        self.ahead = {name: [0.0] for name in processes if name not in WITHOUT}  # all that it has been, in seconds; the last one counts
        if library() is None:
            raise Failure(f"{LIBRARY} is not installed: run tools/setup")
        for name in self.ahead:
            self.write(name)

    def file(self, name):
        return self.directory / f"{name}.clock"

    def write(self, name):
        part = self.file(name).with_suffix(".part")
        part.write_text(f"{self.ahead[name][-1]:+.6f}\n")
        part.chmod(0o644)  # PostgreSQL is another user
        part.replace(self.file(name))

    def variables(self):
        # The file is read at each call: a process sees a jump at once.
        always = {"LD_PRELOAD": library(), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        return {name: always | {"FAKETIME_TIMESTAMP_FILE": str(self.file(name))} for name in self.ahead}

    def jump(self, name, by):
        with self.lock:
            self.ahead[name].append(self.ahead[name][-1] + by)
            self.write(name)

    def heal(self):
        for name, ahead in self.ahead.items():
            self.jump(name, -ahead[-1])

    def true_time(self, name, when):
        """Of what a process has just recorded with its own calendar (ns). Jumps are of minutes, and logs are read at once."""
        now = time.time_ns()
        with self.lock:
            return min((when - int(ahead * SECOND) for ahead in self.ahead.get(name, [0.0])), key=lambda guess: abs(guess - now))
