import unittest

from planted import PlantedTree


class Layers(PlantedTree):
    check = "layers.py"

    def test_an_empty_tree_passes(self):
        self.assert_clean()

    def test_what_is_allowed_passes(self):
        self.plant("src/base/yaml.cpp", '#include "base/yaml.h"\n#include <libfyaml.h>\n#include <vector>\n')
        self.plant("src/runtime/task.h", '#include <coroutine>\n#include "base/status.h"\n#include <absl/status/status.h>\n')
        self.plant("src/ports/temporal.h", "#include <temporal/api/workflowservice/v1/request_response.pb.h>\n")
        self.plant("src/worker/worker.h", '#include "workflow/graph.h"\n#include "ports/bus.h"\n')
        self.plant("src/adapters/nats/nats_bus.cpp", '#include <nats/nats.h>\n#include <boost/asio/post.hpp>\n#include <unistd.h>\n')
        self.plant("src/adapters/embedded_temporal/embedded_temporal.h", '#include "temporal/engine/engine.h"\n')
        self.plant("src/app/worker_main.cpp", '#include "adapters/nats/nats_bus.h"\n#include "worker/worker.h"\n')
        self.plant("sim/world/sim_database.cpp", '#include "adapters/sqlite/sqlite_database.h"\n#include "kernel/node.h"\n')
        self.plant("sim/cluster/worker_node.cpp", '#include "worker/worker.h"\n#include "world/sim_bus.h"\n')
        self.plant("sim/main.cpp", '#include "scenario/runner.h"\n')
        self.assert_clean()

    def test_a_comment_or_a_string_is_no_include(self):
        self.plant("src/runtime/a.h", '// #include "store/x.h"\n/*\n#include <sqlite3.h>\n*/\nauto s = R"(\n#include <nats.h>\n)";\n')
        # A raw string keeps its text when includes are read; the offence would be a false one.
        self.assert_caught("src/runtime/a.h:6: layers.include")

    def test_a_layer_includes_upwards(self):
        self.plant("src/runtime/a.h", '#include <vector>\n\n#include "store/users.h"\n')
        self.assert_caught("src/runtime/a.h:3: layers.include")

    def test_a_role_includes_another_role(self):
        self.plant("src/gateway/a.cpp", '#include "daemon/daemon.h"\n')
        self.assert_caught("src/gateway/a.cpp:1: layers.include")

    def test_the_real_world_outside_of_the_adapters(self):
        for header in ("sqlite3.h", "nats/nats.h", "pqxx/pqxx", "grpcpp/grpcpp.h", "boost/beast/core.hpp", "boost/asio.hpp",
                       "sys/socket.h"):
            self.plant("src/store/a.cpp", f"#include <{header}>\n")
            self.assert_caught("src/store/a.cpp:1: layers.include")

    def test_generated_code_below_the_model(self):
        self.plant("src/runtime/a.h", '#include "reliant/tools/v1/daemon.pb.h"\n')
        self.assert_caught("src/runtime/a.h:1: layers.include")

    def test_a_wrapped_library_in_a_header_of_base(self):
        self.plant("src/base/a.h", "#include <openssl/sha.h>\n")
        self.assert_caught("src/base/a.h:1: layers.header")

    def test_only_part_of_a_folder(self):
        self.plant("src/workflow/a.h", '#include "temporal/workflow.h"\n#include "temporal/workflow_client.h"\n')
        self.assert_caught("src/workflow/a.h:2: layers.include")

    def test_an_include_path_without_its_folder(self):
        self.plant("src/base/a.h", '#include "status.h"\n#include "../base/status.h"\n#include <unknown/lib.h>\n')
        self.assert_caught(*(f"src/base/a.h:{line}: layers.unknown" for line in (1, 2, 3)))

    def test_the_simulator_with_the_real_world(self):
        self.plant("sim/world/sim_bus.cpp", '#include "adapters/nats/nats_bus.h"\n#include "adapters/sqlite/sqlite_database.h"\n')
        self.plant("sim/world/sim_database.cpp", '#include "adapters/postgres/postgres_database.h"\n')
        self.plant("sim/cluster/a.cpp", '#include "app/config.h"\n')
        self.assert_caught("sim/cluster/a.cpp:1: layers.include", "sim/world/sim_bus.cpp:1: layers.include",
                           "sim/world/sim_bus.cpp:2: layers.include", "sim/world/sim_database.cpp:1: layers.include")

    def test_a_technology_with_another_one(self):
        self.plant("src/adapters/nats/a.cpp", '#include "adapters/asio/asio_executor.h"\n#include "adapters/postgres/a.h"\n')
        self.plant("src/adapters/postgres/a.h", "#include <nats/nats.h>\n")
        self.assert_caught("src/adapters/nats/a.cpp:2: layers.include", "src/adapters/postgres/a.h:1: layers.include")

    def test_production_with_the_simulator(self):
        self.plant("src/api/a.cpp", '#include "world/sim_bus.h"\n')
        self.assert_caught("src/api/a.cpp:1: layers.include")

    def test_an_oracle_with_a_role(self):
        self.plant("sim/oracle/a.cpp", '#include "gateway/session.h"\n')
        self.assert_caught("sim/oracle/a.cpp:1: layers.include")

    def test_a_folder_nobody_placed(self):
        self.plant("src/utils/a.h")
        self.assert_caught("src/utils/a.h:1: layers.folder")


if __name__ == "__main__":
    unittest.main()
