#include "adapters/posix/json_event_log.h"

#include <chrono>
#include <utility>

#include "base/text.h"
#include "base/utf8.h"

namespace reliant::adapters {

namespace {

using std::chrono::floor;

void append_padded(std::string& out, std::int64_t number, std::size_t width) {
  const std::string digits = concat(number);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

void append_time_of_day(std::string& out, WallTime time, std::size_t fraction_digits) {
  const std::chrono::hh_mm_ss day(floor<std::chrono::microseconds>(time - floor<std::chrono::days>(time)));
  append_padded(out, day.hours().count(), 2);
  out += ':';
  append_padded(out, day.minutes().count(), 2);
  out += ':';
  append_padded(out, day.seconds().count(), 2);
  out += '.';
  std::string fraction;
  append_padded(fraction, day.subseconds().count(), 6);
  out.append(fraction, 0, fraction_digits);
}

void append_date(std::string& out, WallTime time) {
  const std::chrono::year_month_day date(floor<std::chrono::days>(time));
  append_padded(out, static_cast<int>(date.year()), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
}

// A field may hold whatever came from outside: a line stays one line, and valid JSON, all the same.
void append_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text.front());
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      out += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += text.front();
    } else if (c == '\n') {
      out += "\\n";
    } else if (c < 0x20 || c == 0x7f) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

class StreamSink final : public LogSink {
 public:
  explicit StreamSink(std::FILE* out) : out_(out) {}
  void write(std::string_view line) override {
    std::fwrite(line.data(), 1, line.size(), out_);
    std::fflush(out_);
  }

 private:
  std::FILE* out_;
};

bool plain_word(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c == '"' || c == '=' || c == 0x7f) return false;  // bytes above 127 are negative: quoted too
  }
  return !text.empty();
}

}  // namespace

JsonEventLog::JsonEventLog(const Clock& clock, LogSink& out, JsonEventLogOptions options)
    : clock_(clock), out_(out), options_(std::move(options)) {}

JsonEventLog::JsonEventLog(const Clock& clock, std::FILE* out, JsonEventLogOptions options)
    : clock_(clock), owned_(std::make_unique<StreamSink>(out)), out_(*owned_), options_(std::move(options)) {}

void JsonEventLog::record(Level level, std::string_view name, std::initializer_list<Field> fields) {
  if (level < options_.level) return;
  line_.clear();
  if (options_.format == LogFormat::kJson) {
    append_json(level, name, fields);
  } else {
    append_text(level, name, fields);
  }
  line_ += '\n';
  out_.write(line_);
}

void JsonEventLog::append_json(Level level, std::string_view name, std::initializer_list<Field> fields) {
  const WallTime time = clock_.wall_now();
  line_ += "{\"time\":\"";
  append_date(line_, time);
  line_ += 'T';
  append_time_of_day(line_, time, 6);
  append(line_, concat("Z\",\"level\":\"", level_name(level), "\",\"event\":"));
  append_quoted(line_, name);
  if (!options_.role.empty()) {
    line_ += ",\"role\":";
    append_quoted(line_, options_.role);
  }
  for (const Field& field : fields) {
    line_ += ',';
    append_quoted(line_, field.key);
    line_ += ':';
    if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      append(line_, *number);
    } else {
      append_quoted(line_, std::get<std::string_view>(field.value));
    }
  }
  line_ += '}';
}

void JsonEventLog::append_text(Level level, std::string_view name, std::initializer_list<Field> fields) {
  append_time_of_day(line_, clock_.wall_now(), 3);
  line_ += ' ';
  std::string word(level_name(level));
  word.resize(8, ' ');
  line_ += word;
  if (!options_.role.empty()) append(line_, concat(options_.role, ": "));
  append(line_, name);
  for (const Field& field : fields) {
    append(line_, concat(' ', field.key, '='));
    if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      append(line_, *number);
    } else if (const auto text = std::get<std::string_view>(field.value); plain_word(text)) {
      append(line_, text);
    } else {
      append_quoted(line_, text);
    }
  }
}

Result<Level> level_from(std::string_view word) {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
    if (level_name(level) == word) return level;
  }
  return invalid_argument("\"", word, "\" is no log level; use debug, info, warning or error");
}

}  // namespace reliant::adapters
