#!/usr/bin/env python3
"""Is anything used that would let the real world, or chance, into deterministic code? And does the text (comments, names,
messages) use words that a reader of the field does not know? tools/bans.toml has the rules."""

import re
import sys

import common

DATA = "tools/bans.toml"
# Judged for prose alone, besides C++; a file without a suffix is a script if it begins with #!.
DOCUMENTS = (".cmake", ".go", ".js", ".md", ".proto", ".py", ".toml", ".txt", ".yaml", "")

# Where a `static` or `thread_local` declaration starts; `declaration` reads it from there.
STATIC = re.compile(
    r"^[ \t]*(?=(?:(?:inline|extern|constinit|constexpr|const|\[\[[^\]]*\]\])\s+)*(?:static|thread_local)\s)", re.MULTILINE)
# Variables of a namespace: the code style does not indent there, and nothing else of this form starts in column 0.
GLOBAL = re.compile(r"^((?:inline\s+|constinit\s+)*[A-Za-z_][\w:]*(?:<[^;{}()=]*>)?[\s*&]+[A-Za-z_]\w*(?:\[[^\]]*\])?)\s*([;{=])",
                    re.MULTILINE)
NO_VARIABLE = re.compile(
    r"^(?:inline\s+)?(?:using|namespace|class|struct|union|enum|template|typedef|return|extern|friend|concept|public|private"
    r"|protected|static|thread_local|static_assert|goto|case|default|else|do|try|export|import|module|requires|co_return"
    r"|co_yield|co_await|delete|new|throw|operator)\b")


def is_const(declaration):
    if re.search(r"\bconstexpr\b", declaration):
        return True
    consts = [match.end() for match in re.finditer(r"\bconst\b", declaration)]
    return bool(consts) and "*" not in declaration[consts[-1]:]  # `const char* p` can be pointed elsewhere


def declaration(code, start):
    """The text up to the end of the declared name, and the character there: ( for a function, ; = { for a variable."""
    angles = parens = 0
    for i in range(start, len(code)):
        c = code[i]
        if c == "<":
            angles += 1
        elif c == ">":
            angles -= 1
        elif angles and c in "()":
            parens += 1 if c == "(" else -1
        elif c in ";{" or (c in "=(" and angles <= 0 and parens == 0):
            return code[start:i], c
    return code[start:], ";"


def mutable_statics(code):
    # `static Foo x(1);` inside of a function reads like a function, and passes: write braces.
    for match in STATIC.finditer(code):
        text, end = declaration(code, match.end())
        if end != "(" and not re.search(r"\boperator\b", text) and not is_const(text):
            yield match.end()
    for match in GLOBAL.finditer(code):
        if not NO_VARIABLE.match(match.group(1)) and not is_const(match.group(1)):
            yield match.start(1)


class Bans:
    def __init__(self, check):
        self.check = check
        data = check.data(DATA)
        self.bans = data["ban"]
        for ban in self.bans:
            if "pattern" in ban:
                ban["find"] = re.compile(ban["pattern"], re.VERBOSE | re.MULTILINE)
        self.prose = data["prose"]
        for idiom in self.prose["idiom"]:
            idiom["find"] = re.compile(idiom["pattern"], re.VERBOSE | re.MULTILINE)
        self.allows = data["allow"]
        rules = {ban["rule"] for ban in self.bans} | {"prose"}
        for allow in self.allows:
            for rule in set(allow["rules"]) - rules:
                check.offence(DATA, 1, "bans.data", f"[[allow]] names the rule {rule}, which does not exist", "correct the name")
            if not allow.get("why"):
                check.offence(DATA, 1, "bans.data", f"[[allow]] {allow['files']} has no reason", "say why")
        self.used = set()  # (rule, glob) that let something pass

    def allowed(self, rule, path):
        for allow in self.allows:
            if rule in allow["rules"]:
                for glob in allow["files"]:
                    if common.matches(path, [glob]):
                        self.used.add((rule, glob))
                        return True
        return False

    def judge_prose(self, path, text, words):
        """`words` are the comments and literals; idioms with `names` are looked for in the whole text."""
        for idiom in self.prose["idiom"]:
            for match in idiom["find"].finditer(text if idiom.get("names") else words):
                if not self.allowed("prose", path):
                    said = " ".join(match.group().split())
                    self.check.offence(path, common.line_of(text, match.start()), "bans.prose", f"`{said}`", idiom["remedy"])

    def documents(self):
        for entry in self.prose["in"]:
            if (self.check.root / entry).is_file():
                yield entry
                continue
            for path in self.check.files(entry, DOCUMENTS):
                if "." in path.rpartition("/")[2] or (self.check.root / path).read_bytes().startswith(b"#!"):
                    yield path

    def judge_document(self, path):
        text = self.check.read(path)
        self.judge_prose(path, text, re.sub(r"^[ \t]*(?:#+|//+)", lambda marks: " " * len(marks.group()), text, flags=re.MULTILINE))

    def judge(self, path):
        text = self.check.read(path)
        if path.startswith(tuple(self.prose["in"])):
            self.judge_prose(path, text, common.prose(text))
        code = common.strip(text)
        for ban in self.bans:
            if not path.startswith(tuple(ban["in"])):
                continue
            if "find" in ban:
                offsets = [m.start() + len(m.group()) - len(m.group().lstrip()) for m in ban["find"].finditer(code)]
            else:
                offsets = list(mutable_statics(code))
            for line in sorted({common.line_of(code, offset) for offset in offsets}):
                if not self.allowed(ban["rule"], path):
                    text = code.splitlines()[line - 1].strip()
                    self.check.offence(path, line, f"bans.{ban['rule']}", f"`{text}`: {ban['what']}", ban["remedy"])

    def stale(self):
        for allow in self.allows:
            for glob in allow["files"]:
                if "*" in glob or not (self.check.root / glob).exists():
                    continue
                for rule in allow["rules"]:
                    if (rule, glob) not in self.used:
                        self.check.offence(DATA, 1, "bans.data", f"{glob} no longer needs {rule}", "take the entry out")


def main():
    check = common.Check("bans", __doc__)
    bans = Bans(check)
    for root in ("src", "sim", "tests", "fuzz"):
        for path in check.files(root):
            bans.judge(path)
    for path in bans.documents():
        bans.judge_document(path)
    bans.stale()
    return check.finish()


if __name__ == "__main__":
    sys.exit(main())
