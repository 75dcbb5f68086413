#!/usr/bin/env python3
"""Do the folders of src/ and sim/ include only what tools/layering.toml lets them include?"""

import re
import sys

import common

DATA = "tools/layering.toml"
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
ROLES = ("api", "worker", "gateway", "daemon", "control")
STANDARD = re.compile(r"[a-z_0-9]+")  # <vector>, <cstdint>: no dot, no folder


class Layers:
    def __init__(self, check):
        self.check = check
        data = check.data(DATA)
        self.names = {prefix: name for name, prefixes in data["names"].items() for prefix in prefixes}
        self.sets = data["sets"]
        self.rules = {f"{root}/{folder}": rule for root in ("src", "sim") for folder, rule in data[root].items()}
        self.exceptions = data.get("exception", [])
        self.folders = {}  # base -> src/base; an include path does not say which root it is under
        for place in self.rules:
            self.folders[place.partition("/")[2]] = place
        self.known = set(self.folders) | set(data["names"])
        for place, rule in self.rules.items():
            self.validate(f"[{place.replace('/', '.')}]", rule.get("may", []) + rule.get("may_in_cpp", []))
        for exception in self.exceptions:
            self.validate(f"[[exception]] {exception['files']}", exception["may"])
            if not exception.get("why"):
                check.offence(DATA, 1, "layers.data", f"exception {exception['files']} has no reason", "say why")

    def validate(self, where, entries):
        for entry in self.expand(entries):
            if entry.partition("/")[0] not in {known.partition("/")[0] for known in self.known}:
                self.check.offence(DATA, 1, "layers.data", f"{where} names {entry}, which does not exist", "correct the name")

    def expand(self, entries):
        for entry in entries:
            if entry.startswith("@"):
                yield from self.expand(self.sets[entry[1:]])
            else:
                yield entry

    def place_of(self, path):
        root, *folders, _ = path.split("/")
        inner = "/".join([root, *folders[:2]])
        return inner if inner in self.rules else f"{root}/{folders[0] if folders else 'main'}"

    def name_of(self, include):
        """The folder or third party an include path belongs to, or None."""
        fits = [prefix for prefix in self.names if include.startswith(prefix)]
        if fits:
            return self.names[max(fits, key=len)]
        parts = include.split("/")[:-1]
        return next((folder for folder in ("/".join(parts[:2]), "/".join(parts[:1])) if folder in self.folders), None)

    def allowed(self, path, place):
        rule = self.rules[place]
        entries = list(rule.get("may", []))
        if path.endswith(".cpp"):
            entries += rule.get("may_in_cpp", [])
        for exception in self.exceptions:
            if common.matches(path, [exception["files"]]):
                entries += exception["may"]
        return set(self.expand(entries))

    def judge(self, path):
        text = common.strip(self.check.read(path), keep_strings=True)
        place = self.place_of(path)
        if place not in self.rules:
            self.check.offence(path, 1, "layers.folder", f"{place} is not in {DATA}",
                               "move the file, or add the folder there with what it may include")
            return
        folder = place.partition("/")[2]
        allowed = self.allowed(path, place)
        for match in INCLUDE.finditer(text):
            include = match.group(2)
            line = common.line_of(text, match.start())
            if match.group(1) == "<" and STANDARD.fullmatch(include):
                continue
            name = self.name_of(include)
            if name is None:
                self.check.offence(path, line, "layers.unknown", f"{include} is neither a folder of this project nor a known third party",
                                   f'write "folder/file.h", or name the third party in {DATA}')
            elif name == folder or name in allowed or name.partition("/")[0] in allowed or common.matches(include, [e for e in allowed if "/" in e]):
                pass
            elif path.endswith(".h") and name in set(self.expand(self.rules[place].get("may_in_cpp", []))):
                self.check.offence(path, line, "layers.header", f"{folder} may include {include} in a .cpp only",
                                   "declare a type of our own here, and include it in the .cpp")
            else:
                self.check.offence(path, line, "layers.include", f"{place} must not include {include}",
                                   self.remedy(place, name))

    def remedy(self, place, name):
        if name in ("sqlite", "nats", "pqxx", "grpc", "asio", "posix"):
            return "reach it through a port; the real thing belongs in src/adapters"
        if name in ("adapters", "app"):
            return "take the port by reference, and let the composition root choose"
        if name in ROLES and place.startswith("src/"):
            return "roles meet on the wire only: share a library below them"
        return f"move what you need further down, or this file further up (what {place} may: {DATA})"


def main():
    check = common.Check("layers", __doc__)
    layers = Layers(check)
    for root in ("src", "sim"):
        for path in check.files(root):
            layers.judge(path)
    return check.finish()


if __name__ == "__main__":
    sys.exit(main())
