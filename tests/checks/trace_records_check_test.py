import unittest

from planted import PlantedTree

SCHEMA = '''
constexpr RecordSchema kRecords[] = {
    {"gateway.opened", "info", "user text, epoch number, why? text", "a stream"},
    {"fault.crash", "info", "target text, other text, lasts_us number", "a process dies"},
};
'''
CALL = 'void f() { log_.info("gateway.opened", {{"user", user.str()}, {"epoch", epoch(1)}}); }\n'


class TraceRecords(PlantedTree):
    check = "trace_records.py"

    def setUp(self):
        super().setUp()
        self.plant("sim/kernel/trace_schema.cpp", SCHEMA)
        self.plant("sim/faults/fault_plan.h", 'static constexpr std::string_view kName = "crash";\n')
        self.plant("src/gateway/session.cpp", CALL)

    def test_records_as_they_are_described_pass(self):
        self.assert_clean()

    def test_an_optional_field_may_be_there(self):
        self.plant("src/gateway/session.cpp", CALL.replace("}});", '}, {"why", why}});'))
        self.assert_clean()

    def test_a_record_that_is_not_described(self):
        self.plant("src/gateway/more.cpp", 'void g() { log_.warning("gateway.lost"); }\n')
        self.assert_caught("src/gateway/more.cpp:1: unknown")

    def test_a_field_that_is_not_described(self):
        self.plant("src/gateway/session.cpp", CALL.replace('"epoch"', '"era"'))
        self.assert_caught("src/gateway/session.cpp:1: fields")

    def test_a_field_that_is_missing(self):
        self.plant("src/gateway/session.cpp", 'void f() { log_.info("gateway.opened", {{"user", user}}); }\n')
        self.assert_caught("src/gateway/session.cpp:1: fields")

    def test_a_description_that_nobody_writes(self):
        self.plant("src/gateway/session.cpp", "\n")
        self.assert_caught("sim/kernel/trace_schema.cpp:3: unused")

    def test_a_fault_that_is_not_described(self):
        self.plant("sim/faults/fault_plan.h", 'kName = "crash"; kName = "flood";\n')
        self.assert_caught("sim/faults/fault_plan.h:1: unknown")


if __name__ == "__main__":
    unittest.main()
