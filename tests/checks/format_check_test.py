import shutil
import unittest

from planted import ROOT, PlantedTree


class Format(PlantedTree):
    check = "format.py"

    def setUp(self):
        super().setUp()
        shutil.copy(ROOT / ".clang-format", self.root)

    def test_what_is_formatted(self):
        self.plant("src/api/server.cpp", "int one() { return 1; }\n")
        self.assert_clean()

    def test_each_file_that_differs_is_named_once(self):
        self.plant("src/api/server.cpp", "int one() { return 1; }\n\nint two( )  {return 2 ;}\nint   three ;\n")
        self.plant("tests/unit/api/server_test.cpp", "int  one;\n")
        self.assert_caught("src/api/server.cpp:3: format", "tests/unit/api/server_test.cpp:1: format")


if __name__ == "__main__":
    unittest.main()
