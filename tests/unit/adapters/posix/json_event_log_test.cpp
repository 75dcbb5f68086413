#include "adapters/posix/json_event_log.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace reliant::tests {
namespace {

using adapters::JsonEventLog;
using adapters::JsonEventLogOptions;
using adapters::LogFormat;

class FixedClock final : public Clock {
 public:
  Instant now() const override { return Instant(); }
  WallTime wall_now() const override {
    return std::chrono::sys_days(std::chrono::year(2026) / 3 / 7) + std::chrono::hours(8) + std::chrono::minutes(5) +
           std::chrono::seconds(9) + std::chrono::microseconds(1234);
  }
};

class JsonEventLogTest : public ::testing::Test {
 protected:
  ~JsonEventLogTest() override { std::fclose(file_); }
  std::string written() const {
    std::string text(static_cast<std::size_t>(std::ftell(file_)), '\0');
    std::rewind(file_);
    EXPECT_EQ(std::fread(text.data(), 1, text.size(), file_), text.size());
    return text;
  }

  FixedClock clock_;
  std::FILE* file_ = std::tmpfile();
};

TEST_F(JsonEventLogTest, WritesOneJsonObjectALine) {
  JsonEventLog log(clock_, file_, {Level::kInfo, LogFormat::kJson, "gateway"});
  log.info("gateway.session.opened", {{"user", "u1"}, {"epoch", 7}});
  log.warning("x", {{"text", "a \"quoted\"\\ \n\x01 \xc3\xbc \xff"}});
  const std::string text = written();
  const std::size_t end = text.find('\n');
  EXPECT_EQ(text.substr(0, end), R"({"time":"2026-03-07T08:05:09.001234Z","level":"info","event":"gateway.session.opened",)"
                                 R"("role":"gateway","user":"u1","epoch":7})");
  EXPECT_EQ(text.find('\n', end + 1), text.size() - 1) << text;
  const auto second = parse_json(std::string_view(text).substr(end + 1, text.size() - end - 2));
  ASSERT_TRUE(second.ok()) << second.status() << text;
  EXPECT_EQ(second->at("text").as_string(), "a \"quoted\"\\ \n\x01 \xc3\xbc \xef\xbf\xbd");
}

TEST_F(JsonEventLogTest, DropsEventsBelowItsLevel) {
  JsonEventLog log(clock_, file_, {Level::kWarning, LogFormat::kJson, ""});
  log.debug("a");
  log.info("b");
  log.error("c");
  EXPECT_EQ(written(), "{\"time\":\"2026-03-07T08:05:09.001234Z\",\"level\":\"error\",\"event\":\"c\"}\n");
}

TEST_F(JsonEventLogTest, WritesATextFormat) {
  JsonEventLog log(clock_, file_, {Level::kDebug, LogFormat::kText, "api"});
  log.info("api.started", {{"address", "127.0.0.1:80"}, {"note", "two words"}, {"n", -1}});
  EXPECT_EQ(written(), "08:05:09.001 info    api: api.started address=127.0.0.1:80 note=\"two words\" n=-1\n");
}

TEST(LogLevel, IsReadFromItsName) {
  EXPECT_EQ(*adapters::level_from("debug"), Level::kDebug);
  EXPECT_EQ(*adapters::level_from("error"), Level::kError);
  EXPECT_EQ(adapters::level_from("loud").status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace reliant::tests
