"""A small variant of the storm that tools/bench measures with a thousand daemons (storm.*): all lose their gateway at once."""

import pathlib
import sys
import unittest

BINARIES = pathlib.Path(sys.argv.pop(1)).absolute().parent
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import many_daemons  # noqa: E402


class Storm(unittest.TestCase):
    def test_all_daemons_come_back_and_no_call_is_lost_when_their_gateway_is_killed(self):
        values = many_daemons.storm_values(BINARIES, count=150)
        self.assertGreater(values["under_way"], 0)
        self.assertEqual(values["lost"], 0)
        self.assertLess(values["back"], many_daemons.STORM_SECONDS)


if __name__ == "__main__":
    unittest.main()
