// What workflows have beside CEL and its extensions: JSON, defaults, the ends of a list, durations in seconds.
#include <array>

#include "expr/function.h"
#include "expr/json_value.h"
#include "expr/time.h"

namespace reliant::expr {
namespace {

using Arguments = std::span<const Value>;

Value parse_json_text(Arguments a, Budget& budget) {
  if (!budget.spend_bytes(4 * a[0].as_string().size())) return limit_reached();
  const auto value = parse_json(a[0].as_string());
  if (!value.ok()) return Value::error(concat("parseJson(): ", message_of(value.status())));
  return value_from_json(*value);
}

Value to_json_text(Arguments a, Budget& budget) {
  const auto value = json_from_value(a[0], budget);
  if (budget.exhausted()) return limit_reached();
  if (!value.ok()) return Value::error(concat("toJson(): ", message_of(value.status())));
  return Value::string(to_json(*value));
}

// The first that is neither null nor an optional without a value; null: there is none.
Value coalesce(Arguments a, Budget&) {
  for (const Value& value : a) {
    if (value.is(Kind::kOptional)) {
      if (value.as_optional() != nullptr && !value.as_optional()->is(Kind::kNull)) return *value.as_optional();
    } else if (!value.is(Kind::kNull)) {
      return value;
    }
  }
  return Value();
}

Value get_or_default(Arguments a, Budget&) {
  const auto key = map_key(a[1]);
  const Value* found = key ? a[0].as_map().find(*key) : nullptr;
  return found == nullptr || found->is(Kind::kNull) ? a[2] : *found;
}

Value parse_duration(Arguments a, Budget&) {
  const auto duration = read_duration(a[0].as_string());
  if (!duration) return Value::error(concat("parseDuration(): '", a[0].as_string(), "' is no duration (1h30m, 1.5s, 20ms)"));
  return Value::floating(static_cast<double>(duration->nanos) / 1e9);
}

// Of an empty list: null.
Value first(Arguments a, Budget&) { return a[0].as_list().empty() ? Value() : a[0].as_list().front(); }
Value last(Arguments a, Budget&) { return a[0].as_list().empty() ? Value() : a[0].as_list().back(); }

// It says something to a command's template only (template.h).
Value raw(Arguments a, Budget&) { return a[0]; }

constexpr std::array kDeclarations{
    Declaration{"parseJson(string): dyn", parse_json_text},
    Declaration{"toJson(dyn): string", to_json_text},
    Declaration{"coalesce(dyn, dyn): dyn", coalesce},
    Declaration{"coalesce(dyn, dyn, dyn): dyn", coalesce},
    Declaration{"coalesce(dyn, dyn, dyn, dyn): dyn", coalesce},
    Declaration{"getOrDefault(map(dyn, dyn), dyn, dyn): dyn", get_or_default},
    Declaration{"map(dyn, dyn).getOrDefault(dyn, dyn): dyn", get_or_default},
    Declaration{"parseDuration(string): double", parse_duration},
    Declaration{"raw(A): A", raw},
    Declaration{"first(list(A)): A", first},
    Declaration{"last(list(A)): A", last},
    Declaration{"list(A).first(): A", first},
    Declaration{"list(A).last(): A", last},
};

}  // namespace

std::span<const Declaration> workflow_declarations() { return kDeclarations; }

}  // namespace reliant::expr
