#!/usr/bin/env python3
"""Is a program free of the libraries that touch the real world? The simulator must not even be able to reach a network."""

import pathlib
import re
import subprocess
import sys

import common

# Needed by the binary itself or by any library that it needs.
LIBRARIES = re.compile(r"^lib(?:nats|pq|pqxx|grpc\S*|gpr|upb\S*|nghttp2|curl\S*)(?:[-.]|$)")
# Linked in statically, or called.
SYMBOLS = re.compile(r"^(?:natsConnection_|natsOptions_|natsMsg_|PQconnect|PQexec|pqxx::|grpc::|grpc_|boost::asio::|boost::beast::)")
REMEDY = "find who links it (ninja -t query <target>); only src/adapters may, and the simulator does not link that"


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    check = common.Check("links", __doc__, lambda parser: parser.add_argument("binary", type=pathlib.Path, nargs="+"))
    for binary in check.arguments.binary:
        check.judged += 1
        direct = set(re.findall(r"\(NEEDED\).*\[(.+?)\]", output("readelf", "-d", "-W", binary)))
        needed = direct | set(re.findall(r"^\s*(\S+)(?: =>|\s\()", output("ldd", binary), re.MULTILINE))
        for library in sorted(n for n in needed if LIBRARIES.match(pathlib.PurePosixPath(n).name)):
            how = "needs" if library in direct else "needs, through another library,"
            check.offence(binary.name, 1, "links.library", f"{how} {library}", REMEDY)
        # Weak and undefined symbols as well: a call is enough. One line a family says it.
        families = {}
        for line in output("nm", "-C", binary).splitlines():
            symbol = line[19:] if len(line) > 19 else ""
            found = SYMBOLS.match(symbol)
            if found:
                families.setdefault(found.group(), symbol)
        for symbol in families.values():
            check.offence(binary.name, 1, "links.symbol", f"holds or calls {symbol}", REMEDY)
    return check.finish()


if __name__ == "__main__":
    sys.exit(main())
