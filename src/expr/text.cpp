#include "expr/text.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/text.h"
#include "expr/time.h"

namespace reliant::expr {

std::string text_of_double(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
  const double size = std::abs(number);
  const bool plain = size == 0 || (size >= 1e-6 && size < 1e21);
  char digits[64];
  const auto end =
      std::to_chars(digits, digits + sizeof digits, number, plain ? std::chars_format::fixed : std::chars_format::scientific)
          .ptr;
  return {digits, end};
}

std::optional<double> read_double(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return std::nullopt;
  // from_chars does not say on which side the number is out of range.
  if (error != std::errc()) number = std::strtod(std::string(text).c_str(), nullptr);
  if (error != std::errc() && std::abs(number) > 1) return std::nullopt;
  return number;
}

std::optional<std::string> text_of_scalar(const Value& value) {
  switch (value.kind()) {
    case Kind::kBool:
      return value.as_bool() ? "true" : "false";
    case Kind::kInt:
      return concat(value.as_int());
    case Kind::kUint:
      return concat(value.as_uint());
    case Kind::kDouble:
      return text_of_double(value.as_double());
    case Kind::kString:
      return value.as_string();
    case Kind::kTimestamp:
      return to_string(value.as_timestamp());
    case Kind::kDuration:
      return to_string(value.as_duration());
    case Kind::kType:
      return value.as_type();
    default:
      return std::nullopt;
  }
}

std::string literal_text(const Value& value, Budget& budget) {
  if (!budget.spend(1)) return "…";
  std::string out;
  switch (value.kind()) {
    case Kind::kNull:
      return "null";
    case Kind::kUint:
      return *text_of_scalar(value) + "u";
    case Kind::kDouble:
      out = text_of_double(value.as_double());
      return out.find_first_not_of("-0123456789") == std::string::npos ? out + ".0" : out;
    case Kind::kString:
      return budget.spend_bytes(value.as_string().size()) ? concat("'", value.as_string(), "'") : "…";
    case Kind::kBytes:
      return budget.spend_bytes(value.as_bytes().size()) ? concat("b'", value.as_bytes(), "'") : "…";
    case Kind::kList:
      for (const Value& element : value.as_list()) {
        if (budget.exhausted()) break;
        out += (out.empty() ? "" : ", ") + literal_text(element, budget);
      }
      return "[" + out + "]";
    case Kind::kMap:
      for (const auto& [key, element] : value.as_map()) {
        if (budget.exhausted()) break;
        out += (out.empty() ? "" : ", ") + literal_text(key, budget) + ": " + literal_text(element, budget);
      }
      return "{" + out + "}";
    case Kind::kOptional:
      return value.as_optional() == nullptr ? "optional.none()"
                                            : "optional.of(" + literal_text(*value.as_optional(), budget) + ")";
    case Kind::kError:
      return value.as_error().message;
    default:
      return *text_of_scalar(value);
  }
}

}  // namespace reliant::expr
