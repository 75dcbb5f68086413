import unittest

from planted import PlantedTree


class TypeNames(PlantedTree):
    check = "type_names.py"

    def setUp(self):
        super().setUp()
        self.plant("tools/type_names.toml", '[[allow]]\nname = "Session"\nwhy = "two ends"\n')
        for role in ("daemon", "gateway"):
            self.plant(f"src/{role}/session.h", f"namespace reliant::{role} {{\nclass Session {{}};\n}}\n")

    def test_distinct_names_pass(self):
        self.plant("src/a/a.h", """namespace reliant::a {
class Link;
struct Node { struct Link { int n; }; };
enum class Kind : int { kA };
template <class T>
struct Trait {};
template <>
struct Trait<int> {};
void f() { struct Local { int n = 0; }; }
}
""")
        self.plant("src/b/b.cpp", """namespace reliant::b {
namespace {
class Link final : public Base<int> { enum class Kind { kB }; };  // struct Trait {
const char* const kText = "struct Trait {";
void g() { struct Local { int n = 0; }; }
}
}
""")
        self.assert_clean()

    def test_a_name_in_two_namespaces(self):
        self.plant("src/a/a.h", "namespace reliant::a {\nclass Turn : public Base {\n};\n}\n")
        self.plant("src/b/b.h", "namespace reliant::b {\n\nenum class Turn { kOn };\n}\n")
        self.assert_caught("src/a/a.h:2: type_names.twice", "src/b/b.h:3: type_names.twice")

    def test_a_name_in_an_unnamed_namespace_is_the_files_own(self):
        self.plant("src/a/a.h", "namespace reliant::a {\nclass Turn : public Base {\n};\n}\n")
        self.plant("src/b/b.cpp", "namespace reliant::b {\nnamespace {\n\nenum class Turn { kOn };\n}\n}\n")
        self.assert_clean()

    def test_an_entry_without_need_or_reason(self):
        self.plant("tools/type_names.toml", '[[allow]]\nname = "Session"\n[[allow]]\nname = "Gone"\nwhy = "was two"\n')
        self.assert_caught("tools/type_names.toml:1: type_names.data", "tools/type_names.toml:1: type_names.data")


if __name__ == "__main__":
    unittest.main()
