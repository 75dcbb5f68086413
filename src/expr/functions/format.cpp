// "…%s…%.2f".format([…]).
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "expr/function.h"
#include "expr/text.h"

namespace reliant::expr {
namespace {

using Arguments = std::span<const Value>;

constexpr int kMaxPrecision = 1000;
constexpr int kDefaultPrecision = 6;

Value failure(std::string_view what, const Value& value) {
  return Value::error(concat("error during formatting: ", what, ", was given ", type_name(value)));
}

class Formatter {
 public:
  explicit Formatter(Budget& budget) : budget_(budget) {}

  Value run(std::string_view text, const List& values) {
    std::size_t next = 0;
    while (!text.empty()) {
      const std::size_t percent = text.find('%');
      append(text.substr(0, percent));
      if (percent == std::string_view::npos) break;
      text.remove_prefix(percent + 1);
      if (text.starts_with('%')) {
        append("%");
        text.remove_prefix(1);
        continue;
      }
      if (next >= values.size())
        return Value::error(concat("index ", next, " out of range: format() has fewer values than clauses"));
      if (Value error = clause(text, values[next++]); error.is_error()) return error;
      if (budget_.exhausted()) return limit_reached();
    }
    return budget_.exhausted() ? limit_reached() : Value::string(std::move(out_));
  }

 private:
  void append(std::string_view text) {
    if (budget_.spend_bytes(text.size())) out_ += text;
  }

  // Takes "s" or ".3f" off the front.
  Value clause(std::string_view& text, const Value& value) {
    int precision = kDefaultPrecision;
    if (text.starts_with('.')) {
      const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), precision);
      if (error != std::errc() || precision < 0 || precision > kMaxPrecision)
        return Value::error(concat("could not parse formatting clause: a precision is a number from 0 to ", kMaxPrecision));
      text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    }
    if (text.empty()) return Value::error("could not parse formatting clause: unexpected end of string");
    const std::string_view letter = text.substr(0, std::max<std::size_t>(1, utf8_length(text)));
    text.remove_prefix(letter.size());
    switch (letter[0]) {
      case 's':
        return plain(value, 0);
      case 'd':
        return decimal(value);
      case 'f':
        return real(value, precision, std::chars_format::fixed, "fixed-point clause can only be used on doubles");
      case 'e':
        return real(value, precision, std::chars_format::scientific, "scientific clause can only be used on doubles");
      case 'b':
        return binary(value);
      case 'o':
        return based(value, 8, "octal clause can only be used on integers");
      case 'x':
      case 'X':
        return hexadecimal(value, letter[0] == 'X');
      default:
        return Value::error(concat("could not parse formatting clause: unrecognized formatting clause \"", letter, "\""));
    }
  }

  Value plain(const Value& value, int depth) {
    if (depth > 64 || !budget_.spend(1)) return limit_reached();
    if (value.is(Kind::kList)) return list(value.as_list(), depth);
    if (value.is(Kind::kMap)) return map(value.as_map(), depth);
    if (value.is(Kind::kNull)) {
      append("null");
    } else if (value.is(Kind::kBytes)) {
      append(text_from_bytes(value.as_bytes()));
    } else if (const auto text = text_of_scalar(value)) {
      append(*text);
    } else {
      return failure(
          "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and "
          "timestamps",
          value);
    }
    return Value();
  }

  Value list(const List& elements, int depth) {
    append("[");
    for (std::size_t i = 0; i < elements.size(); ++i) {
      if (i > 0) append(", ");
      if (Value error = plain(elements[i], depth + 1); error.is_error()) return error;
    }
    append("]");
    return Value();
  }

  // In the order of the keys' texts.
  Value map(const Map& entries, int depth) {
    std::vector<std::pair<std::string, const Value*>> sorted;
    sorted.reserve(entries.size());
    for (const auto& [key, value] : entries) sorted.emplace_back(*text_of_scalar(key), &value);
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    append("{");
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      if (i > 0) append(", ");
      append(sorted[i].first);
      append(": ");
      if (Value error = plain(*sorted[i].second, depth + 1); error.is_error()) return error;
    }
    append("}");
    return Value();
  }

  Value decimal(const Value& value) {
    const bool special = value.is(Kind::kDouble) && !std::isfinite(value.as_double());
    if (!special && !value.is(Kind::kInt) && !value.is(Kind::kUint))
      return failure("decimal clause can only be used on integers", value);
    append(*text_of_scalar(value));
    return Value();
  }

  Value real(const Value& value, int precision, std::chars_format format, std::string_view refusal) {
    if (!value.is_number()) return failure(refusal, value);
    const double number = value.is(Kind::kInt)    ? static_cast<double>(value.as_int())
                          : value.is(Kind::kUint) ? static_cast<double>(value.as_uint())
                                                  : value.as_double();
    if (!std::isfinite(number)) {
      append(text_of_double(number));
      return Value();
    }
    std::string digits(kMaxPrecision + 400, '\0');
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, format, precision).ptr;
    append({digits.data(), end});
    return Value();
  }

  Value based(const Value& value, int base, std::string_view refusal) {
    std::array<char, 72> digits{};
    char* const end = digits.data() + digits.size();
    if (value.is(Kind::kInt)) {
      append({digits.data(), std::to_chars(digits.data(), end, value.as_int(), base).ptr});
    } else if (value.is(Kind::kUint)) {
      append({digits.data(), std::to_chars(digits.data(), end, value.as_uint(), base).ptr});
    } else {
      return failure(refusal, value);
    }
    return Value();
  }

  Value binary(const Value& value) {
    if (!value.is(Kind::kBool)) return based(value, 2, "only integers and bools can be formatted as binary");
    append(value.as_bool() ? "1" : "0");
    return Value();
  }

  Value hexadecimal(const Value& value, bool upper) {
    const std::size_t begin = out_.size();
    if (value.is(Kind::kString) || value.is(Kind::kBytes)) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      for (const char c : value.is(Kind::kString) ? value.as_string() : value.as_bytes()) {
        const auto byte = static_cast<unsigned char>(c);
        append(std::string{kDigits[byte >> 4], kDigits[byte & 15]});
      }
    } else if (Value error = based(value, 16, "only integers, byte buffers, and strings can be formatted as hex");
               error.is_error()) {
      return error;
    }
    if (!upper) return Value();
    std::for_each(out_.begin() + static_cast<std::ptrdiff_t>(begin), out_.end(), [](char& c) {
      if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
    });
    return Value();
  }

  Budget& budget_;
  std::string out_;
};

Value format(Arguments a, Budget& budget) { return Formatter(budget).run(a[0].as_string(), a[1].as_list()); }

constexpr std::array kDeclarations{Declaration{"string.format(list(dyn)): string", format}};

}  // namespace

std::span<const Declaration> format_declarations() { return kDeclarations; }

}  // namespace reliant::expr
