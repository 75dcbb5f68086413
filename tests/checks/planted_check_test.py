import unittest

from planted import PlantedTree

PATCH = """--- a/src/it.cpp
+++ b/src/it.cpp
@@ -1,1 +1,1 @@
-int right = 1;
+int right = 0;
"""
ROW = "| `bug_{}` | what it breaks | `faults/it` | `an.oracle` | 7 |"
COUNT = 12  # as few as the check allows


class Planted(PlantedTree):
    check = "planted.py"

    def setUp(self):
        super().setUp()
        self.plant("src/it.cpp", "int right = 1;\n")
        self.plant("scenarios/faults/it.yaml", "name: it\n")
        for number in range(COUNT):
            self.plant(f"tests/planted/bug_{number}.patch", PATCH)
        self.table({})

    def table(self, others):
        rows = [others.get(number, ROW.format(number)) for number in range(COUNT)]
        self.plant("tests/planted/README.md", "# Planted bugs\n\n" + "".join(row + "\n" for row in rows))

    def test_bugs_that_were_found_pass(self):
        self.assert_clean()

    def test_a_bug_that_nobody_has_seen_found(self):
        self.table({3: ROW.format(3).replace("| 7 |", "| 0 |")})
        self.assert_caught("tests/planted/README.md:6: unseen")

    def test_a_row_without_seeds(self):
        self.table({3: ROW.format(3).replace("| 7 |", "| |")})
        self.assert_caught("tests/planted/README.md:6: row", "tests/planted/bug_3.patch:1: table")

    def test_a_patch_without_a_row(self):
        self.plant("tests/planted/another.patch", PATCH)
        self.assert_caught("tests/planted/another.patch:1: table")

    def test_a_row_without_a_patch(self):
        self.table({11: ROW.format(11) + "\n" + ROW.format(12)})
        self.assert_caught("tests/planted/README.md:15: table")

    def test_a_scenario_that_there_is_not(self):
        self.table({3: ROW.format(3).replace("faults/it", "faults/that")})
        self.assert_caught("tests/planted/README.md:6: scenario")

    def test_a_patch_that_does_not_apply_any_more(self):
        self.plant("src/it.cpp", "int right = 2;\n")
        self.assert_caught(*(f"tests/planted/bug_{number}.patch:1: stale" for number in sorted(range(COUNT), key=str)))

    def test_too_few(self):
        (self.root / "tests/planted/bug_11.patch").unlink()
        self.table({11: ""})
        self.assert_caught("tests/planted/README.md:1: too-few")


if __name__ == "__main__":
    unittest.main()
