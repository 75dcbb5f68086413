#include "expr/json_value.h"

#include <cmath>

#include "expr/base64.h"
#include "expr/text.h"

namespace reliant::expr {
namespace {

Result<json::value> json_list(const List& list, Budget& budget) {
  json::array out;
  for (const Value& element : list) {
    TRY_ASSIGN(json::value value, json_from_value(element, budget));
    out.push_back(std::move(value));
  }
  return out;
}

Result<json::value> json_map(const Map& map, Budget& budget) {
  json::object out;
  for (const auto& [key, element] : map) {
    TRY_ASSIGN(json::value value, json_from_value(element, budget));
    out.insert_or_assign(*text_of_scalar(key), std::move(value));
  }
  return out;
}

}  // namespace

Value value_from_json(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return Value();
    case json::kind::bool_:
      return Value::boolean(value.get_bool());
    case json::kind::int64:
      return Value::integer(value.get_int64());
    case json::kind::uint64:
      return Value::unsigned_integer(value.get_uint64());
    case json::kind::double_:
      return Value::floating(value.get_double());
    case json::kind::string:
      return Value::string(std::string(std::string_view(value.get_string())));
    case json::kind::array: {
      List out;
      out.reserve(value.get_array().size());
      for (const json::value& element : value.get_array()) out.push_back(value_from_json(element));
      return Value::list(std::move(out));
    }
    case json::kind::object: {
      Map out;
      for (const auto& [key, element] : value.get_object())
        out.insert(Value::string(std::string(std::string_view(key))), value_from_json(element));
      return Value::map(std::move(out));
    }
  }
  return Value();
}

Result<json::value> json_from_value(const Value& value, Budget& budget) {
  if (!budget.spend(1)) return resource_exhausted("the value is larger than the limit of the evaluation's cost");
  switch (value.kind()) {
    case Kind::kNull:
      return json::value();
    case Kind::kBool:
      return json::value(value.as_bool());
    case Kind::kInt:
      return json::value(value.as_int());
    case Kind::kUint:
      return json::value(value.as_uint());
    case Kind::kDouble:
      if (!std::isfinite(value.as_double())) return invalid_argument("JSON has no number ", text_of_double(value.as_double()));
      return json::value(value.as_double());
    case Kind::kString:
      budget.spend_bytes(value.as_string().size());
      return json::value(value.as_string());
    case Kind::kBytes:
      budget.spend_bytes(value.as_bytes().size());
      return json::value(base64_encode(value.as_bytes()));
    case Kind::kTimestamp:
    case Kind::kDuration:
      return json::value(*text_of_scalar(value));
    case Kind::kList:
      return json_list(value.as_list(), budget);
    case Kind::kMap:
      return json_map(value.as_map(), budget);
    case Kind::kType:
    case Kind::kOptional:
    case Kind::kError:
      break;
  }
  return invalid_argument("JSON has no form for a value of type ", type_name(value));
}

}  // namespace reliant::expr
