#include "kernel/trace.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>

#include "base/assert.h"
#include "base/utf8.h"
#include "kernel/digest.h"
#include "runtime/random.h"

namespace reliant::sim {
namespace {

std::uint64_t hash_number(std::uint64_t value, std::uint64_t hash) {
  return mix_bits(hash ^ mix_bits(value + 0x9e3779b97f4a7c15ull));
}

std::uint64_t hash_of(std::uint32_t node, Level level, std::string_view name, std::initializer_list<Field> fields) {
  std::uint64_t hash = hash_number((std::uint64_t{node} << 8) | static_cast<std::uint64_t>(level), kHashSeed);
  hash = digest(name, hash);
  for (const Field& field : fields) {
    hash = digest(field.key, hash);
    if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      hash = hash_number(static_cast<std::uint64_t>(*number), hash);
    } else {
      hash = digest(std::get<std::string_view>(field.value), ~hash);
    }
  }
  return hash;
}

// Reuses the strings that the record already has.
void keep(const Field& field, TraceRecord::Field& kept) {
  kept.key = field.key;
  if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
    kept.value = *number;
  } else if (auto* text = std::get_if<std::string>(&kept.value)) {
    *text = std::get<std::string_view>(field.value);
  } else {
    kept.value.emplace<std::string>(std::get<std::string_view>(field.value));
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte == 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(byte));
      out += escape;
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

const std::variant<std::int64_t, std::string>* find(const std::vector<TraceRecord::Field>& fields, std::string_view key) {
  for (const TraceRecord::Field& field : fields) {
    if (field.key == key) return &field.value;
  }
  return nullptr;
}

}  // namespace

const std::int64_t* TraceRecord::number(std::string_view key) const {
  const auto* value = find(fields, key);
  return value == nullptr ? nullptr : std::get_if<std::int64_t>(value);
}

const std::string* TraceRecord::text(std::string_view key) const {
  const auto* value = find(fields, key);
  return value == nullptr ? nullptr : std::get_if<std::string>(value);
}

void Trace::record(std::uint32_t node, Level level, std::string_view name, std::initializer_list<Field> fields) {
  executor_->mix(hash_of(node, level, name, fields));
  ++recorded_;
  const bool is_error = level == Level::kError;
  if (is_error) ++errors_;
  const bool is_first_error = is_error && !first_error_;
  if (keep_ == 0 && sinks_.empty() && !is_first_error) return;

  current_.step = executor_->steps();
  current_.time = executor_->true_now();
  current_.node = node;
  current_.level = level;
  current_.name = name;
  current_.fields.resize(fields.size());
  auto kept = current_.fields.begin();
  for (const Field& field : fields) keep(field, *kept++);
  for (TraceSink* sink : sinks_) sink->on_record(current_);
  RELIANT_ASSERT(current_.step == executor_->steps() && current_.name == name, "a sink records nothing itself");
  if (is_first_error) first_error_ = current_;
  if (keep_ == 0) return;
  if (records_.size() == keep_) records_.pop_front();
  records_.push_back(current_);
}

void Trace::add_sink(TraceSink& sink) {
  RELIANT_ASSERT(std::find(sinks_.begin(), sinks_.end(), &sink) == sinks_.end(), "a sink is added once");
  sinks_.push_back(&sink);
}

void Trace::remove_sink(TraceSink& sink) { std::erase(sinks_, &sink); }

std::string to_json_line(const TraceRecord& record) {
  std::string line = "{\"step\":" + std::to_string(record.step);
  line += ",\"time_ns\":" + std::to_string(record.time.time_since_epoch().count());
  line += ",\"node\":" + std::to_string(record.node);
  line += ",\"level\":";
  append_quoted(line, level_name(record.level));
  line += ",\"name\":";
  append_quoted(line, record.name);
  for (const TraceRecord::Field& field : record.fields) {
    line.push_back(',');
    append_quoted(line, field.key);
    line.push_back(':');
    if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      line += std::to_string(*number);
    } else {
      const std::string& text = std::get<std::string>(field.value);
      append_quoted(line, is_valid_utf8(text) ? text : text_from_bytes(text));  // as JSON asks for
    }
  }
  line.push_back('}');
  return line;
}

void JsonLinesSink::on_record(const TraceRecord& record) { *out_ << to_json_line(record) << '\n'; }

void JsonLinesSink::on_delivery(const Delivery& delivery) {
  constexpr std::array<std::string_view, 3> kNames = {"net.bus", "net.link", "net.http"};
  TraceRecord record{executor_->steps(),
                     delivery.at,
                     delivery.to,
                     Level::kDebug,
                     std::string(kNames[static_cast<std::size_t>(delivery.way)]),
                     {}};
  record.fields.push_back({"from", std::int64_t{delivery.from}});
  record.fields.push_back({"sent_ns", delivery.sent.time_since_epoch().count()});
  record.fields.push_back({"about", std::string(delivery.about)});
  record.fields.push_back({"bytes", static_cast<std::int64_t>(delivery.payload.size())});
  *out_ << to_json_line(record) << '\n';
}

}  // namespace reliant::sim
