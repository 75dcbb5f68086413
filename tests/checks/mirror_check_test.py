import shutil
import unittest

from planted import PlantedTree


MIRROR = """
other_ports = ["executor"]
[outside]
[no_node]
client = "a command that a user runs"
[no_main]
"""


class Mirror(PlantedTree):
    check = "mirror.py"

    def setUp(self):
        super().setUp()
        # Data of its own: what the real tree is allowed is none of this one's business.
        self.plant("tools/mirror.toml", MIRROR)
        self.plant("src/ports/bus.h")
        self.plant("src/ports/bus.cpp")
        self.plant("src/adapters/nats/nats_bus.h")
        self.plant("src/adapters/nats/nats_bus_writer.cpp")
        self.plant("src/adapters/asio/asio_executor.h")
        self.plant("sim/world/sim_bus.h")
        self.plant("sim/world/sim_bus_faults.h")
        self.plant("tests/contract/bus/bus_contract.h")
        self.plant("tests/contract/bus/bus_contract_test.cpp")
        self.plant("src/app/worker_main.cpp")
        self.plant("src/app/client_main.cpp")
        self.plant("src/app/config.cpp")
        self.plant("sim/cluster/worker_node.cpp")
        self.plant("sim/cluster/cluster.cpp")

    def test_a_complete_mirror_passes(self):
        self.assert_clean()

    def test_several_real_ones_pass(self):
        self.plant("src/adapters/memory/memory_bus.h")
        self.assert_clean()

    def test_a_port_without_anything(self):
        self.plant("src/ports/clipboard.h")
        found = self.run_check()
        self.assertEqual(len(found), 4, found)
        for place in ("src/adapters/*/*_clipboard.h", "sim/world/sim_clipboard.h", "tests/contract/*/clipboard_contract.h",
                      "tests/contract/*/clipboard_contract_test.cpp"):
            self.assertTrue(any(line.startswith("src/ports/clipboard.h:1: mirror.missing") and place in line for line in found), found)

    def allow_not_real_yet(self, port):
        data = self.root / "tools/mirror.toml"
        data.write_text(data.read_text() + f'[not_real_yet]\n{port} = "the product that it talks to does not exist yet"\n')

    def test_a_port_that_is_not_real_yet_needs_all_the_rest(self):
        self.plant("src/ports/clipboard.h")
        self.plant("sim/world/sim_clipboard.h")
        self.allow_not_real_yet("clipboard")
        found = self.run_check()
        self.assertEqual(len(found), 2, found)  # the contract
        self.plant("tests/contract/clipboard/clipboard_contract.h")
        self.plant("tests/contract/clipboard/clipboard_contract_test.cpp")
        self.assert_clean()

    def test_an_allowance_for_a_port_that_is_real_by_now_or_gone(self):
        self.allow_not_real_yet("bus")
        self.assert_caught("tools/mirror.toml:1: mirror.data")

    def test_an_allowance_for_a_port_that_does_not_exist(self):
        self.allow_not_real_yet("clipboard")
        self.assert_caught("tools/mirror.toml:1: mirror.data")

    def test_folders_that_do_not_exist_yet_are_not_asked_for(self):
        for folder in ("src/adapters", "sim/world", "tests/contract", "sim/cluster"):
            shutil.rmtree(self.root / folder)
        self.assert_clean()

    def test_a_port_without_a_contract(self):
        (self.root / "tests/contract/bus/bus_contract_test.cpp").unlink()
        self.assert_caught("src/ports/bus.h:1: mirror.missing")

    def test_a_file_without_a_port(self):
        self.plant("src/adapters/helpers.h")
        self.plant("sim/world/sim_clipboard.h")
        self.plant("tests/contract/clipboard/clipboard_contract.h")
        self.assert_caught("sim/world/sim_clipboard.h:1: mirror.extra", "src/adapters/helpers.h:1: mirror.extra",
                           "tests/contract/clipboard/clipboard_contract.h:1: mirror.extra")

    def test_a_program_without_a_node_and_back(self):
        self.plant("src/app/gateway_main.cpp")
        self.plant("sim/cluster/api_node.cpp")
        self.assert_caught("sim/cluster/api_node.cpp:1: mirror.missing", "src/app/gateway_main.cpp:1: mirror.missing")

    def test_an_allowance_for_a_file_that_is_gone(self):
        data = self.root / "tools/mirror.toml"
        data.write_text(data.read_text().replace("[outside]", '[outside]\n"src/adapters/gone.h" = "once there was a reason"'))
        self.assert_caught("tools/mirror.toml:1: mirror.data")


if __name__ == "__main__":
    unittest.main()
