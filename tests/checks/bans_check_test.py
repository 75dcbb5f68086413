import unittest

from planted import PlantedTree


class Bans(PlantedTree):
    check = "bans.py"

    def assert_each_caught(self, rule, path, *lines, indent="  "):
        """One offence a line; indented, as in a function, or they would be mutable globals as well."""
        self.plant(path, "".join(f"{indent}{line}\n" for line in lines))
        self.assert_caught(*(f"{path}:{n}: bans.{rule}" for n in range(1, len(lines) + 1)))

    def test_an_empty_tree_passes(self):
        self.assert_clean()

    def test_harmless_code_passes(self):
        self.plant("src/runtime/a.h", r'''
// std::thread, time(nullptr): a comment is no use; don't mind the apostrophe
/* std::mutex m; */
const char* const kText = "std::random_device";
constexpr auto kRaw = R"(rand() "quoted" getenv)";
constexpr int kBig = 1'000'000; constexpr char kQuote = '"';
static constexpr int kLimit = 3;
static const std::string kName{"x"};
static std::function<void(int)> make();
static void late(Wake& wake) { wake.ready(); }
inline constexpr std::array<int, 3> kList = {1, 2, 3};
[[nodiscard]] static bool ok();
  static std::strong_ordering operator<=>(const A&, const A&);
enum class Kind { kA };
using Map = std::map<Id, Daemon*>;
struct Foo { Instant time(); int rand_ = 0; };
int Foo::size() const { return clock.time() + random("link/gw1") + obj.rand(); }
Result<int> f(Simulation& simulation);
co_await sleep_for(executor, seconds(3));
extern template class Task<int>;
''')
        self.assert_clean()

    def test_real_time(self):
        self.assert_each_caught("real-time", "src/gateway/a.cpp",
                                "auto a = std::chrono::system_clock::now();", "auto b = steady_clock::now();",
                                "clock_gettime(CLOCK_REALTIME, &t);", "auto c = time(nullptr);", "auto d = std::time(0);",
                                "auto e = absl::Now();")

    def test_entropy(self):
        self.assert_each_caught("entropy", "sim/workload/a.cpp",
                                "std::random_device r;", "std::mt19937 g(1);", "int a = rand();", "std::shuffle(a, b, g);",
                                "std::uniform_int_distribution<int> d;", "RAND_bytes(p, n);")

    def test_threads(self):
        self.assert_each_caught("threads", "src/router/a.cpp",
                                "std::thread t;", "std::jthread t;", "auto f = std::async(g);", "std::mutex m;",
                                "std::lock_guard l(m);", "std::atomic<int> n;", "absl::Mutex m;")

    def test_sleeps_in_tests_too(self):
        self.assert_each_caught("sleeps", "tests/unit/a_test.cpp",
                                "std::this_thread::sleep_for(1s);", "usleep(3);", "sleep(1);", "::nanosleep(&t, &t);")

    def test_asio(self):
        self.assert_each_caught("asio", "src/daemon/a.cpp", "asio::steady_timer t(io);", "boost::asio::io_context io;",
                                "boost::beast::flat_buffer b;")

    def test_environment(self):
        self.assert_each_caught("environment", "src/auth/a.cpp", 'auto a = std::getenv("X");', 'setenv("A", "b", 1);')

    def test_hash_order(self):
        self.assert_each_caught("hash-order", "src/model/a.h", "#include <unordered_map>", "std::unordered_set<int> s;",
                                "absl::flat_hash_map<int, int> m;", "std::hash<int> h;")

    def test_pointer_order(self):
        self.assert_each_caught("pointer-order", "sim/kernel/a.h", "std::set<Node*> s;", "std::map<const Node*, int> m;",
                                "auto n = reinterpret_cast<std::uintptr_t>(p);")

    def test_simulation_switch(self):
        self.assert_each_caught("simulation-switch", "src/worker/a.cpp", "#ifdef RELIANT_SIMULATION", "if (is_simulated()) f();",
                                "if (simulated) f();", "int x = in_simulation ? 1 : 2;")

    def test_assert_with_an_await(self):
        self.assert_each_caught("assert-await", "tests/unit/a_test.cpp", "assert(co_await f());")

    def test_bytes_as_text(self):
        self.assert_each_caught("bytes-as-text", "src/daemon/a.cpp",
                                "done.set_message(std::string(message_of(status)));", "done.set_reason(reason_of(status));",
                                "frame.add_text(reliant::message_of(status));", "f.set_message(concat(a, error.what()));",
                                "execute.set_arguments(request.arguments);")
        self.plant("src/daemon/a.cpp", "  done.set_message(text_from_bytes(message_of(status)));\n"
                                       "  execute.set_arguments(text_from_bytes(request.arguments));\n")
        self.assert_clean()

    def test_json_text(self):
        self.assert_each_caught("json-text", "src/store/a.cpp", "auto a = json::serialize(v);", "boost::json::serializer s;")

    def test_mutable_statics(self):
        self.assert_each_caught("mutable-static", "src/store/a.cpp",
                                "static int counter = 0;", "thread_local Cache cache;", "  static std::vector<int> all{1};",
                                "inline std::string name;", "int global = 3;", "std::map<int, int> table;",
                                "static const char* text = nullptr;", "static std::function<void(int)> hook;",
                                "  static inline constinit thread_local Block* free_[3] = {};", "Foo* instance = nullptr;", indent="")

    def test_idioms_in_comments_and_literals(self):
        self.plant("src/adapters/a.cpp", """// Whoever calls has to wait.
// The caller is
// told when it is over.
const char* const kText = "this is of no use";
constexpr Duration kPatience{};
  int desk = 0;  // so long
""")
        self.assert_caught(*(f"src/adapters/a.cpp:{n}: bans.prose" for n in (1, 2, 4, 5, 6, 6)))

    def test_the_same_word_as_a_name_passes(self):
        self.plant("src/adapters/a.cpp", "void nobody_listens(int crowd, int bear);  // the caller waits\n")
        self.assert_clean()

    def test_idioms_in_scripts_and_documents(self):
        self.plant("tests/e2e/a_test.py", "# Whoever\n# calls waits.\ndef a(patience): pass\n")
        self.plant("src/README.md", "The caller is told.\n")
        self.plant("tests/run", "#!/bin/sh\n# in vain\n")
        self.plant("tests/corpus", "in vain\n")  # no script
        self.assert_caught("src/README.md:1: bans.prose", "tests/e2e/a_test.py:1: bans.prose", "tests/e2e/a_test.py:3: bans.prose",
                           "tests/run:2: bans.prose")

    def test_the_places_that_may(self):
        self.plant("src/adapters/a.cpp", "std::thread t() { return time(nullptr); }\nstd::random_device r();\n")
        self.plant("src/app/worker_main.cpp", 'auto f() { return std::getenv("A"); }\n')
        self.plant("tests/e2e/a_test.cpp", "void f() { std::this_thread::sleep_for(1s); }\n")
        self.assert_clean()

    def test_a_place_that_may_one_thing_may_not_the_other(self):
        self.plant("src/adapters/a.cpp", 'auto f() { return getenv("A"); }\n')
        self.assert_caught("src/adapters/a.cpp:1: bans.environment")

    def test_an_allowance_that_is_needed_no_more(self):
        self.plant("src/runtime/frame_pool.h", "class FramePool;\n")
        self.assert_caught("tools/bans.toml:1: bans.data")


if __name__ == "__main__":
    unittest.main()
