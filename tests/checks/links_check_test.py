import pathlib
import subprocess
import sys
import unittest

from planted import PlantedTree

COMPILER = "clang++-19"


class Links(PlantedTree):
    check = "links.py"

    def compile(self, name, text, *arguments):
        source = self.root / f"{name}.cpp"
        source.write_text(text)
        subprocess.run([COMPILER, source, "-o", self.root / name, f"-L{self.root}", f"-Wl,-rpath,{self.root}", *arguments],
                       check=True)
        return self.root / name

    def test_a_plain_program_passes(self):
        self.assert_clean(self.compile("program", "int main() {}\n"))

    def test_a_library_of_the_real_world(self):
        self.compile("libnats.so", "extern \"C\" void natsConnection_Publish() {}\n", "-shared", "-fPIC")
        program = self.compile("program", 'extern "C" void natsConnection_Publish();\nint main() { natsConnection_Publish(); }\n',
                               "-lnats")
        found = self.run_check(program)
        self.assertEqual([line.split(": ")[1] for line in found], ["links.library", "links.symbol"], found)

    def test_a_library_behind_a_library(self):
        self.compile("libpq.so.5", "void pq() {}\n", "-shared", "-fPIC", "-Wl,-soname,libpq.so.5")
        self.compile("libmiddle.so", "void pq();\nvoid middle() { pq(); }\n", "-shared", "-fPIC", self.root / "libpq.so.5")
        program = self.compile("program", "void middle();\nint main() { middle(); }\n", "-lmiddle",
                               f"-Wl,-rpath-link,{self.root}")
        found = self.run_check(program)
        self.assertEqual(len(found), 1, found)
        self.assertIn("through another library, libpq.so.5", found[0])

    def test_code_linked_in_statically(self):
        program = self.compile("program", "namespace grpc { int f() { return 0; } }\nint main() { return grpc::f(); }\n")
        found = self.run_check(program)
        self.assertEqual([line.split(": ")[1] for line in found], ["links.symbol"], found)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        COMPILER = sys.argv.pop(1)
    unittest.main()
