#!/usr/bin/env python3
"""Is every port implemented, simulated and put under contract, and has every program its simulated node, and back?

A folder that does not exist yet is not asked for; one that exists is judged. tools/mirror.toml names what is outside.
"""

import pathlib
import sys

import common

DATA = "tools/mirror.toml"
PORTS, ADAPTERS, WORLD, CONTRACT = "src/ports", "src/adapters", "sim/world", "tests/contract"
APP, CLUSTER = "src/app", "sim/cluster"


def stem(path):
    return pathlib.PurePosixPath(path).stem


def extends(name, bases):
    """sim_database_pages is a part of sim_database."""
    return any(name == base or name.startswith(base + "_") for base in bases)


class Mirror:
    def __init__(self, check):
        self.check = check
        data = check.data(DATA)
        self.other_ports = set(data["other_ports"])
        self.outside, self.no_node, self.no_main = data["outside"], data["no_node"], data["no_main"]
        self.not_real_yet = data.get("not_real_yet", {})
        for table in (self.outside, self.no_node, self.no_main, self.not_real_yet):
            for entry, why in table.items():
                if not why:
                    check.offence(DATA, 1, "mirror.data", f"{entry} has no reason", "say why it is outside")
        for glob in self.outside:
            if (check.root / glob).parent.is_dir() and not list(check.root.glob(glob)):
                check.offence(DATA, 1, "mirror.data", f"there is no {glob}", "take it out of [outside]")

    def present(self, folder):
        return (self.check.root / folder).is_dir()

    def files(self, folder, *suffixes, recursive=False):
        found = [p for p in self.check.files(folder, suffixes, recursive) if not common.matches(p, self.outside)]
        self.check.judged += len(found)
        return found

    def missing(self, path, what, remedy):
        self.check.offence(path, 1, "mirror.missing", what, remedy)

    def extra(self, path, what, remedy):
        self.check.offence(path, 1, "mirror.extra", what, f"{remedy}, or name it in {DATA} with the reason")

    def judge_ports(self):
        ports = {stem(p): p for p in self.files(PORTS, ".h")}
        if self.present(ADAPTERS):
            self.judge_adapters(ports)
        if self.present(WORLD):
            self.judge_world(ports)
        if self.present(CONTRACT):
            self.judge_contracts(ports)

    def judge_adapters(self, ports):
        real = {}
        for path in self.files(ADAPTERS, ".h", recursive=True):
            for port in (*ports, *self.other_ports):
                if stem(path).endswith("_" + port):
                    real[stem(path)] = port
        for port, path in ports.items():
            if port in self.not_real_yet:
                if port in real.values():
                    self.check.offence(DATA, 1, "mirror.data", f"{port} is real by now", "take it out of [not_real_yet]")
            elif port not in real.values():
                self.missing(path, f"no real one: {ADAPTERS}/*/*_{port}.h", "implement the port, or delete it")
        for port in self.not_real_yet:
            if port not in ports:
                self.check.offence(DATA, 1, "mirror.data", f"there is no port {port}", "take it out of [not_real_yet]")
        for path in self.files(ADAPTERS, ".h", ".cpp", recursive=True):
            if not extends(stem(path), real):
                self.extra(path, "implements no port and is no part of one that does",
                           f"call it <technology>/<technology>_<port>.h (ports: {', '.join(sorted(ports))})")

    def judge_world(self, ports):
        headers = {stem(p) for p in self.files(WORLD, ".h")}
        for port, path in ports.items():
            if f"sim_{port}" not in headers:
                self.missing(path, f"no simulated one: {WORLD}/sim_{port}.h", "simulate the port, with its fault atlas")
        for path in self.files(WORLD, ".h", ".cpp"):
            if not extends(stem(path), [f"sim_{port}" for port in ports]):
                self.extra(path, "simulates no port and is no part of one that does", "call it sim_<port>.h")

    def judge_contracts(self, ports):
        files = {pathlib.PurePosixPath(p).name for p in self.files(CONTRACT, ".h", ".cpp", recursive=True)}
        for port, path in ports.items():
            for wanted in (f"{port}_contract.h", f"{port}_contract_test.cpp"):
                if wanted not in files:
                    self.missing(path, f"no contract: {CONTRACT}/*/{wanted}",
                                 "write what every implementation must do, and run it on the simulated one")
        for path in self.files(CONTRACT, ".h", ".cpp", recursive=True):
            if not extends(stem(path), [f"{port}_contract" for port in ports]):
                self.extra(path, "is the contract of no port", "call it <port>_contract.h or <port>_contract_test.cpp")

    def judge_roles(self):
        mains = {stem(p).removesuffix("_main"): p for p in self.files(APP, ".cpp") if stem(p).endswith("_main")}
        nodes = {stem(p).removesuffix("_node"): p for p in self.files(CLUSTER, ".cpp") if stem(p).endswith("_node")}
        if not (self.present(APP) and self.present(CLUSTER)):
            return
        for role, path in mains.items():
            if role not in nodes and role not in self.no_node:
                self.missing(path, f"no simulated node: {CLUSTER}/{role}_node.cpp",
                             f"compose the role from simulated ports there, or name {role} in [no_node] of {DATA}")
        for role, path in nodes.items():
            if role not in mains and role not in self.no_main:
                self.missing(path, f"no program: {APP}/{role}_main.cpp",
                             f"compose the role from real ports there, or name {role} in [no_main] of {DATA}")


def main():
    check = common.Check("mirror", __doc__)
    mirror = Mirror(check)
    mirror.judge_ports()
    mirror.judge_roles()
    return check.finish()


if __name__ == "__main__":
    sys.exit(main())
