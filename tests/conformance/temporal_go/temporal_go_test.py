"""The embedded engine, judged by an independent client: Temporal's Go SDK, suite.go against `reliant temporal serve`. With
--real instead of the path of the binary, or --server ADDRESS: against a real server, which shows that the tests are right."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import sdk_server  # noqa: E402

if __name__ == "__main__":
    sys.exit(sdk_server.judge("reliant-go.", lambda directory: ([sdk_server.output_of("go_sdk")], directory)))
