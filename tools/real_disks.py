"""A small file system for each daemon's own directory (journal, credentials, identity), which can be full. Projects are not in it."""

import os
import subprocess

from real_run import Failure

SIZE = 256 << 20  # bytes at most; of memory, and only what is used


class Disks:
    def __init__(self, directory, names):
        self.places = {name: directory / name for name in names}
        self.mounted = []

    def mount(self):
        for place in self.places.values():
            place.mkdir(mode=0o700)
            done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=0700,size={SIZE}", "reliant", str(place)], capture_output=True, text=True)
            if done.returncode != 0:
                raise Failure(f"a file system for disk_full cannot be mounted at {place}: {done.stderr.strip()}")
            self.mounted.append(place)

    def unmount(self):
        for place in self.mounted:
            subprocess.run(["umount", "--lazy", str(place)], capture_output=True)

    def resize(self, name, size):
        return subprocess.run(["mount", "-o", f"remount,size={size}", str(self.places[name])], capture_output=True).returncode == 0

    def fill(self, name):
        """No block is left. What is written at the same time takes another try: the kernel takes no size below what is used."""
        while True:
            now = os.statvfs(self.places[name])
            if self.resize(name, max(1, now.f_blocks - now.f_bfree) * now.f_frsize):  # a size of 0 is no limit
                return

    def heal(self):
        for name in self.places:
            self.free(name)

    def free(self, name):
        self.resize(name, SIZE)
