// JsonEventLog: the EventLog of production, one line an event:
//   {"time":"2026-11-21T08:03:45.123456Z","level":"info","event":"gateway.session.opened","user":"u1","epoch":7}
// or, for people:
//   08:03:45.123 info    gateway.session.opened user=u1 epoch=7
//
// Owner: the composition root, which also owns what it writes to. Executor: the logic thread. A write that fails is dropped.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "base/event_log.h"
#include "base/status.h"
#include "runtime/clock.h"

namespace reliant::adapters {

enum class LogFormat : std::uint8_t { kJson, kText };

struct JsonEventLogOptions {
  Level level = Level::kInfo;  // less important events are dropped
  LogFormat format = LogFormat::kJson;
  std::string role;  // "gateway": a field of every line, unless empty
};

// Where the lines go, each with its end.
class LogSink {
 public:
  LogSink() = default;
  LogSink(LogSink&&) = default;
  LogSink& operator=(LogSink&&) = default;
  virtual ~LogSink() = default;
  virtual void write(std::string_view line) = 0;
};

class JsonEventLog final : public EventLog {
 public:
  JsonEventLog(const Clock& clock, LogSink& out, JsonEventLogOptions options = {});
  JsonEventLog(const Clock& clock, std::FILE* out, JsonEventLogOptions options = {});
  void record(Level level, std::string_view name, std::initializer_list<Field> fields) override;

 private:
  void append_json(Level level, std::string_view name, std::initializer_list<Field> fields);
  void append_text(Level level, std::string_view name, std::initializer_list<Field> fields);

  const Clock& clock_;
  std::unique_ptr<LogSink> owned_;  // of a FILE
  LogSink& out_;
  JsonEventLogOptions options_;
  std::string line_;  // reused
};

// "debug", "info", "warning", "error". INVALID_ARGUMENT names the four.
Result<Level> level_from(std::string_view word);

}  // namespace reliant::adapters
