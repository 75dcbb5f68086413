#!/usr/bin/env python3
"""Does one name mean one type? A class, struct, union or enum that `src` defines twice at namespace scope is two meanings of a word,
whatever the namespaces. An unnamed namespace is a file's own business. tools/type_names.toml lists the names that may be defined
twice, with the reason."""

import re
import sys

import common

DATA = "tools/type_names.toml"

# What matters outside of functions and types: where a namespace or another block begins and ends, and where a type is defined.
_TOKEN = re.compile(
    r"""\b(?:inline\s+)?namespace\b(?P<namespace>[\s\w:]*)\{
      | \b(?:class|struct|union|enum(?:\s+(?:class|struct))?)\s+(?:\[\[[^\]]*\]\]\s*|alignas\([^)]*\)\s*)*
        (?P<type>[A-Za-z_]\w*)(?:\s+final)?\s*(?::(?!:)[^;{}()]*(?:\([^;{}()]*\)[^;{}()]*)*)?\{
      | (?P<open>\{) | (?P<close>\})
    """,
    re.VERBOSE,
)


def defined_types(code):
    """(name, offset) of each type at namespace scope. Specializations (`struct A<int> {`) define no name."""
    blocks = []  # True: a namespace that has a name
    for match in _TOKEN.finditer(code):
        if match["close"]:
            if blocks:
                blocks.pop()
            continue
        if match["type"] and all(blocks):
            yield match["type"], match.start("type")
        blocks.append(bool((match["namespace"] or "").strip()))


def main():
    check = common.Check("type_names", __doc__)
    allowed = {entry["name"]: entry for entry in check.data(DATA).get("allow", [])}
    places = {}
    for path in check.files("src"):
        text = check.read(path)
        for name, offset in defined_types(common.strip(text)):
            places.setdefault(name, []).append((path, common.line_of(text, offset)))
    for name, found in sorted(places.items()):
        if len(found) == 1 or name in allowed:
            continue
        for path, line in found:
            others = ", ".join(f"{other}:{at}" for other, at in found if (other, at) != (path, line))
            check.offence(path, line, "type_names.twice", f"`{name}` is also defined in {others}", "rename one of them")
    for name, entry in allowed.items():
        if not entry.get("why"):
            check.offence(DATA, 1, "type_names.data", f"{name} has no reason", "say why")
        if len(places.get(name, [])) < 2 and places:
            check.offence(DATA, 1, "type_names.data", f"{name} is not defined twice", "take the entry out")
    return check.finish()


if __name__ == "__main__":
    sys.exit(main())
