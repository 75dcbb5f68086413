"""The embedded engine, judged by an independent client: Temporal's TypeScript SDK, run.js against `reliant temporal
serve`. With --real instead of the path of the binary: against a real server, which shows that the test is right."""

import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import sdk_server  # noqa: E402


def suite(directory):
    sdk = pathlib.Path(sdk_server.output_of("typescript"))
    # The SDK's bundler looks for its packages beside the workflows.
    for file in HERE.glob("*.js"):
        shutil.copy(file, directory)
    (directory / "node_modules").symlink_to(sdk / "node_modules")
    return [str(sdk / "bin" / "node"), "run.js"], directory


if __name__ == "__main__":
    sys.exit(sdk_server.judge("reliant-typescript.", suite))
