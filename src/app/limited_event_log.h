// LimitedEventLog: an EventLog in front of another one, so that what a stranger can cause again and again (a refused stream, a
// malformed request) does not fill the disk. Of each kind of warning, by its name, the first `burst` in a period are written; the
// others are counted, and when the period is over one line says how many there were and what the last one said. Nothing is
// dropped without a count. What is not a warning or an error is passed on as it is.
//
// Owner: the composition root, which calls summarise_due() now and then. Executor: the logic thread. No timer, no thread.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "base/event_log.h"
#include "runtime/clock.h"

namespace reliant::app {

struct LogLimit {
  std::size_t burst = 100;  // 0: every event is written
  Duration period = std::chrono::seconds(60);
};

class LimitedEventLog final : public EventLog {
 public:
  LimitedEventLog(EventLog& log, const Clock& clock, LogLimit limit) : log_(log), clock_(clock), limit_(limit) {}

  void record(Level level, std::string_view name, std::initializer_list<Field> fields) override;
  // Writes "log.repeated" for each kind that was counted in a period that is over.
  void summarise_due();
  // The same for the period that is under way: the process ends.
  void summarise_all();

 private:
  struct Kind {
    Level level = Level::kWarning;
    Instant since;
    std::size_t written = 0;
    std::size_t counted = 0;
    std::string last;  // "key=value …" of the last one that was counted
  };

  void summarise(std::string_view name, Kind& kind);

  EventLog& log_;
  const Clock& clock_;
  LogLimit limit_;
  std::map<std::string, Kind, std::less<>> kinds_;  // names are constants of the program: they are few
};

}  // namespace reliant::app
