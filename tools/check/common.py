"""Shared by the checks: the tree, C++ without its comments, and the report of offences."""

import argparse
import fnmatch
import pathlib
import re
import sys
import tomllib

# One pass over comments, strings and characters. A digit separator (1'000) is not a character.
_TOKEN = re.compile(
    r"""//(?:[^\n\\]|\\.|\\\n)*              # comment to the end of the line
      | /\*.*?\*/                            # comment
      | R"(?P<d>[^()\\\s]{0,16})\(.*?\)(?P=d)"   # raw string
      | "(?:[^"\\\n]|\\.)*"                  # string
      | (?<![0-9A-Fa-f])'(?:[^'\\\n]|\\.)+'  # character
    """,
    re.VERBOSE | re.DOTALL,
)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def strip(text, keep_strings=False):
    """C++ source with comments (and the inside of literals) blanked; every line keeps its number and columns."""

    def replace(match):
        token = match.group()
        if token.startswith(("//", "/*")):
            return _blank(token)
        if keep_strings:
            return token
        return token[0] + _blank(token[1:-1]) + token[-1]

    return _TOKEN.sub(replace, text)


def prose(text):
    """The reverse of `strip`: only the insides of comments and literals, so that `\\s+` spans a comment's lines."""
    kept, end = [], 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token.startswith(("//", "/*")):
            token = re.sub(r"^[ \t]*(?://+|\*(?!/))", lambda marks: _blank(marks.group()), token, flags=re.MULTILINE)
        kept += [_blank(text[end:match.start()]), token]
        end = match.end()
    return "".join(kept) + _blank(text[end:])


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Check:
    """Collects offences; `finish` prints them and gives the exit code."""

    def __init__(self, name, description, add_arguments=None):
        parser = argparse.ArgumentParser(prog=f"tools/check/{name}.py", description=description)
        here = pathlib.Path(__file__).resolve().parents[2]
        parser.add_argument("--root", type=pathlib.Path, default=here, help="the tree to judge (default: this one)")
        if add_arguments:
            add_arguments(parser)
        self.name = name
        self.arguments = parser.parse_args()
        self.root = self.arguments.root
        self.judged = 0
        self._offences = []

    def data(self, path):
        with open(self.root / path, "rb") as file:
            return tomllib.load(file)

    def files(self, folder, suffixes=(".h", ".cpp"), recursive=True):
        """Paths relative to the root, sorted; none if there is no such folder yet."""
        base = self.root / folder
        found = base.rglob("*") if recursive else base.glob("*")
        return sorted(p.relative_to(self.root).as_posix() for p in found if p.is_file() and p.suffix in suffixes)

    def read(self, path):
        self.judged += 1
        return (self.root / path).read_text(encoding="utf-8")

    def offence(self, path, line, rule, what, remedy):
        self._offences.append((path, line, f"{path}:{line}: {rule}: {what} — {remedy}"))

    def finish(self):
        for _, _, text in sorted(self._offences):
            print(text)
        if self._offences:
            print(f"{self.name}: {len(self._offences)} offences in {self.judged} files", file=sys.stderr)
            return 1
        print(f"{self.name}: {self.judged} files, none offends")
        return 0


def matches(path, globs):
    return any(fnmatch.fnmatchcase(path, glob) for glob in globs)
