import unittest

from planted import PlantedTree

DEFINITIONS = """
| | |
|---|---|
| R12 | A requirement |
| C3 | A decision |
"""


class Requirements(PlantedTree):
    check = "requirements.py"

    def setUp(self):
        super().setUp()
        self.plant("src/requirements.md", DEFINITIONS)

    def test_what_is_defined_may_be_cited(self):
        self.plant("src/api/server.cpp", "// R12, C3: both\n")
        self.plant("README.md", "See R12.\n")
        self.assert_clean()

    def test_what_is_not_defined(self):
        self.plant("src/api/server.cpp", "\n// C4\n")
        self.plant("scenarios/smoke/a.yaml", "# (R7)\n")
        self.assert_caught("scenarios/smoke/a.yaml:1: undefined", "src/api/server.cpp:2: undefined")

    def test_what_is_defined_twice(self):
        self.plant("src/requirements.md", DEFINITIONS + "| C3 | Another one |\n")
        self.assert_caught("src/requirements.md:6: twice")

    def test_other_words_are_no_citations(self):
        self.plant("src/api/server.cpp", 'const char* kText = "ARC4 R2D2 %C3%A4";\n')
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()
