import unittest

from planted import PlantedTree


class Documents(PlantedTree):
    check = "documents.py"

    def setUp(self):
        super().setUp()
        self.plant("src/README.md", "# src: the code\n\n## Two words\n")

    def test_links_that_lead_somewhere(self):
        self.plant("README.md", "[code](src/README.md), [words](src/README.md#two-words), [title](src/README.md#src-the-code), "
                                "[here](#below), [out](https://example.org/x.md)\n\n## Below\n")
        self.plant("tests/README.md", "[`src`](../src)\n")
        self.assert_clean()

    def test_a_file_that_is_missing(self):
        self.plant("README.md", "\n[code](src/NOTES.md)\n")
        self.plant("tests/unit/README.md", "[code](src/README.md)\n")
        self.assert_caught("README.md:2: missing", "tests/unit/README.md:1: missing")

    def test_a_heading_that_is_missing(self):
        self.plant("README.md", "[words](src/README.md#three-words)\n[here](#nowhere)\n")
        self.assert_caught("README.md:1: heading", "README.md:2: heading")


if __name__ == "__main__":
    unittest.main()
