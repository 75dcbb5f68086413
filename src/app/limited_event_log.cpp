#include "app/limited_event_log.h"

#include <algorithm>
#include <variant>

#include "base/text.h"

namespace reliant::app {
namespace {

constexpr std::size_t kLongestText = 200;  // bytes of one field of an event that is only counted

std::string text_of(std::initializer_list<Field> fields) {
  std::string out;
  for (const Field& field : fields) {
    append(out, concat(out.empty() ? "" : " ", field.key, "="));
    if (const auto* const number = std::get_if<std::int64_t>(&field.value)) {
      append(out, *number);
    } else {
      append(out, std::get<std::string_view>(field.value).substr(0, kLongestText));
    }
  }
  return out;
}

}  // namespace

void LimitedEventLog::record(Level level, std::string_view name, std::initializer_list<Field> fields) {
  if (level < Level::kWarning || limit_.burst == 0) return log_.record(level, name, fields);
  const Instant now = clock_.now();
  const auto found = kinds_.find(name);
  Kind& kind = found != kinds_.end() ? found->second : kinds_.emplace(std::string(name), Kind{.since = now}).first->second;
  if (now >= after(kind.since, limit_.period)) summarise(name, kind);
  if (kind.written == 0) kind.since = now;
  kind.level = std::max(kind.level, level);
  if (kind.written < limit_.burst) {
    ++kind.written;
    return log_.record(level, name, fields);
  }
  ++kind.counted;
  kind.last = text_of(fields);
}

void LimitedEventLog::summarise(std::string_view name, Kind& kind) {
  if (kind.counted > 0) {
    log_.record(kind.level, "log.repeated",
                {{"event", name},
                 {"count", kind.counted},
                 {"seconds", std::chrono::ceil<std::chrono::seconds>(clock_.now() - kind.since).count()},
                 {"last", kind.last}});
  }
  kind = Kind{.since = clock_.now()};
}

void LimitedEventLog::summarise_due() {
  const Instant now = clock_.now();
  for (auto& [name, kind] : kinds_) {
    if (now >= after(kind.since, limit_.period)) summarise(name, kind);
  }
}

void LimitedEventLog::summarise_all() {
  for (auto& [name, kind] : kinds_) summarise(name, kind);
}

}  // namespace reliant::app
