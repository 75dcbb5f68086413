"""Configuration errors: unregistered files, the wrong compiler, a machine that is not set up."""

import os
import shutil
import subprocess
import sys
import unittest

from planted import ROOT, PlantedTree

CMAKE, COMPILER = "cmake", "clang++-19"


class Configure(PlantedTree):
    def setUp(self):
        super().setUp()
        shutil.copy(ROOT / "CMakeLists.txt", self.root)
        for folder in ("tools/cmake", "proto"):
            shutil.copytree(ROOT / folder, self.root / folder)
        self.plant("src/base/CMakeLists.txt", "reliant_library(base SOURCES a.cpp HEADERS a.h)\n")
        self.plant("src/base/a.cpp")
        self.plant("src/base/a.h")

    def configure(self, compiler, **environment):
        kept = {k: v for k, v in os.environ.items() if k not in ("CXX", "CXXFLAGS", "RELIANT_REGISTRATION")}
        command = [CMAKE, "-G", "Ninja", "-S", self.root, "-B", self.root / "build", f"-DCMAKE_CXX_COMPILER={compiler}"]
        done = subprocess.run(command, capture_output=True, text=True, env={**kept, **environment})
        return done.returncode, done.stdout + done.stderr

    def test_a_clean_tree_passes(self):
        code, output = self.configure(COMPILER)
        self.assertEqual(code, 0, output)

    def test_files_that_nobody_registered(self):
        files = ("src/base/forgotten.cpp", "src/base/forgotten.h", "src/llm/forgotten.cpp", "sim/kernel/forgotten.cpp",
                 "tests/unit/forgotten_test.cpp", "tests/checks/forgotten_test.py", "fuzz/forgotten_fuzz.cpp",
                 "scenarios/smoke/forgotten.yaml", "proto/reliant/forgotten.proto")
        for file in files:
            self.plant(file)
        self.plant("scenarios/CMakeLists.txt", "reliant_scenarios(smoke/absent.yaml)\n")
        code, output = self.configure(COMPILER)
        self.assertNotEqual(code, 0)
        for file in files:
            self.assertIn(f"{file}:1: registration: no reliant_* call names this file", output)
        self.assertIn("name it in src/base/CMakeLists.txt", output)
        self.assertIn("scenarios/smoke/absent.yaml:1: registration: a reliant_* call names this file", output)

    def test_another_compiler(self):
        code, output = self.configure("g++")
        self.assertNotEqual(code, 0)
        self.assertIn("reliant is built with clang-19, not with GNU", output)
        self.assertIn("destroys some temporaries twice", " ".join(output.split()))

    def test_a_machine_that_is_not_set_up(self):
        code, output = self.configure(COMPILER, RELIANT_CACHE=str(self.root / "nothing"))
        self.assertNotEqual(code, 0)
        self.assertIn("Remedy: run tools/setup", output)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        CMAKE, COMPILER = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
