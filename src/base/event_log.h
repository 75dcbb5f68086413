// EventLog: what happened, as records. Production writes them as JSON lines; the simulator keeps them as its trace,
// hashes every one, and its oracles judge runs by them. One schema in both worlds.
//
// Names are `area.thing.happened` ("gateway.session.opened"). Level kError means a defect of ours: it fails a
// simulation. What the outside can cause (a lost peer, bad input) is kWarning or lower.
// Called on the logic thread; does not block, does not fail. Values are copied before the call returns.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <type_traits>
#include <variant>

namespace reliant {

enum class Level : std::uint8_t { kDebug, kInfo, kWarning, kError };

struct Field {
  std::string_view key;
  std::variant<std::int64_t, std::string_view> value;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  template <class Integer>
    requires std::is_integral_v<Integer>
  Field(std::string_view k, Integer v) : key(k), value(static_cast<std::int64_t>(v)) {}
};

class EventLog {
 public:
  virtual ~EventLog() = default;
  virtual void record(Level level, std::string_view name, std::initializer_list<Field> fields) = 0;

  void debug(std::string_view name, std::initializer_list<Field> f = {}) { record(Level::kDebug, name, f); }
  void info(std::string_view name, std::initializer_list<Field> f = {}) { record(Level::kInfo, name, f); }
  void warning(std::string_view name, std::initializer_list<Field> f = {}) { record(Level::kWarning, name, f); }
  void error(std::string_view name, std::initializer_list<Field> f = {}) { record(Level::kError, name, f); }
};

std::string_view level_name(Level level);

}  // namespace reliant
