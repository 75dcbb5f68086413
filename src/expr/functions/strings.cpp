// Functions on text: CEL's own, and those of its extension `strings`. Positions and lengths count characters.
#include <array>
#include <limits>

#include "base/utf8.h"
#include "expr/characters.h"
#include "expr/function.h"
#include "re2/re2.h"

namespace reliant::expr {
namespace {

using Arguments = std::span<const Value>;

constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();

Value index_error(std::int64_t index) { return Value::error(concat("index out of range: ", index)); }

// False: the texts are more than the budget allows.
bool afford(Arguments a, Budget& budget) {
  for (const Value& argument : a)
    if (argument.is(Kind::kString) && !budget.spend_bytes(argument.as_string().size())) return false;
  return true;
}

Value contains(Arguments a, Budget& budget) {
  if (!afford(a, budget)) return limit_reached();
  return Value::boolean(a[0].as_string().find(a[1].as_string()) != std::string::npos);
}
Value starts_with(Arguments a, Budget& budget) {
  if (!afford(a, budget)) return limit_reached();
  return Value::boolean(a[0].as_string().starts_with(a[1].as_string()));
}
Value ends_with(Arguments a, Budget& budget) {
  if (!afford(a, budget)) return limit_reached();
  return Value::boolean(a[0].as_string().ends_with(a[1].as_string()));
}

// A pattern is compiled for each call, which costs more than its text is long: a{1000} is a thousand instructions.
constexpr std::int64_t kPatternMemory = 1 << 20;
constexpr std::uint64_t kLeastPatternCost = 64;
constexpr std::uint64_t kRefusedPatternCost = 10'000;  // as much as fits into that memory

Value matches(Arguments a, Budget& budget) {
  if (!afford(a, budget) || !budget.spend(kLeastPatternCost)) return limit_reached();
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemory);
  const std::string& pattern = a[1].as_string();
  const re2::RE2 expression(re2::StringPiece(pattern.data(), pattern.size()), options);
  const std::uint64_t cost = expression.ok() ? static_cast<std::uint64_t>(expression.ProgramSize()) : kRefusedPatternCost;
  if (!budget.spend(cost)) return limit_reached();
  if (!expression.ok()) return Value::error(concat("'", pattern, "' is no regular expression (RE2): ", expression.error()));
  const std::string& text = a[0].as_string();
  return Value::boolean(re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), expression));
}

Value char_at(Arguments a, Budget& budget) {
  if (!afford(a, budget)) return limit_reached();
  const std::u32string text = characters_of(a[0].as_string());
  const std::int64_t index = a[1].as_int();
  if (index < 0 || index > std::ssize(text)) return index_error(index);
  return Value::string(text_of(std::u32string_view(text).substr(static_cast<std::size_t>(index), 1)));
}

Value position(std::size_t at) { return Value::integer(at == std::u32string_view::npos ? -1 : static_cast<std::int64_t>(at)); }

Value index_of(Arguments a, Budget& budget) {
  if (!afford(a, budget)) return limit_reached();
  const std::u32string text = characters_of(a[0].as_string());
  const std::int64_t from = a.size() > 2 ? a[2].as_int() : 0;
  if (from < 0 || from > std::ssize(text)) return index_error(from);
  return position(text.find(characters_of(a[1].as_string()), static_cast<std::size_t>(from)));
}

Value last_index_of(Arguments a, Budget& budget) {
  if (!afford(a, budget)) return limit_reached();
  const std::u32string text = characters_of(a[0].as_string());
  const std::int64_t from = a.size() > 2 ? a[2].as_int() : std::ssize(text);
  if (from < 0 || from > std::ssize(text)) return index_error(from);
  return position(text.rfind(characters_of(a[1].as_string()), static_cast<std::size_t>(from)));
}

Value lower_ascii(Arguments a, Budget& budget) {
  if (!afford(a, budget)) return limit_reached();
  std::string out = a[0].as_string();
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return Value::string(std::move(out));
}
Value upper_ascii(Arguments a, Budget& budget) {
  if (!afford(a, budget)) return limit_reached();
  std::string out = a[0].as_string();
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return Value::string(std::move(out));
}

// Each place where `wanted` stands, at most `limit` of them; an empty one stands before each character and at the end.
std::vector<std::size_t> places(std::string_view text, std::string_view wanted, std::int64_t limit) {
  std::vector<std::size_t> out;
  std::size_t at = 0;
  while (std::ssize(out) < limit && at <= text.size()) {
    at = text.find(wanted, at);
    if (at == std::string_view::npos) break;
    out.push_back(at);
    at += wanted.empty() ? std::max<std::size_t>(1, utf8_length(text.substr(at))) : wanted.size();
  }
  return out;
}

Value replace(Arguments a, Budget& budget) {
  if (!afford(a, budget)) return limit_reached();
  const std::string& text = a[0].as_string();
  const std::string& wanted = a[1].as_string();
  const std::string& by = a[2].as_string();
  const std::int64_t limit = a.size() > 3 && a[3].as_int() >= 0 ? a[3].as_int() : kAll;
  const std::vector<std::size_t> found = places(text, wanted, limit);
  if (!budget.spend_bytes(found.size() * (by.size() + 1))) return limit_reached();
  std::string out;
  std::size_t done = 0;
  for (const std::size_t at : found) {
    out.append(text, done, at - done).append(by);
    done = at + wanted.size();
  }
  return Value::string(out.append(text, done));
}

Value split(Arguments a, Budget& budget) {
  if (!afford(a, budget)) return limit_reached();
  const std::string& text = a[0].as_string();
  const std::string& separator = a[1].as_string();
  const std::int64_t limit = a.size() > 2 && a[2].as_int() >= 0 ? a[2].as_int() : kAll;
  if (limit == 0) return Value::list({});
  std::vector<std::size_t> found = places(text, separator, separator.empty() ? kAll : limit - 1);
  if (separator.empty()) {  // between the characters, and not before the first one or behind the last one
    if (text.empty()) return Value::list({});
    found.erase(found.begin());
    if (!found.empty() && found.back() == text.size()) found.pop_back();
    if (std::ssize(found) > limit - 1) found.resize(static_cast<std::size_t>(limit - 1));
  }
  if (!budget.spend(4 * found.size())) return limit_reached();
  List out;
  out.reserve(found.size() + 1);
  std::size_t done = 0;
  for (const std::size_t at : found) {
    out.push_back(Value::string(text.substr(done, at - done)));
    done = at + separator.size();
  }
  out.push_back(Value::string(text.substr(done)));
  return Value::list(std::move(out));
}

Value substring(Arguments a, Budget& budget) {
  if (!afford(a, budget)) return limit_reached();
  const std::u32string text = characters_of(a[0].as_string());
  const std::int64_t begin = a[1].as_int();
  const std::int64_t end = a.size() > 2 ? a[2].as_int() : std::ssize(text);
  if (begin < 0 || begin > std::ssize(text)) return index_error(begin);
  if (end < 0 || end > std::ssize(text)) return index_error(end);
  if (begin > end) return Value::error(concat("invalid substring range. start: ", begin, ", end: ", end));
  return Value::string(
      text_of(std::u32string_view(text).substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin))));
}

// Unicode's White_Space.
bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

Value trim(Arguments a, Budget& budget) {
  if (!afford(a, budget)) return limit_reached();
  const std::u32string text = characters_of(a[0].as_string());
  std::u32string_view rest = text;
  while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
  while (!rest.empty() && is_space(rest.back())) rest.remove_suffix(1);
  return Value::string(text_of(rest));
}

Value reverse(Arguments a, Budget& budget) {
  if (!afford(a, budget)) return limit_reached();
  const std::u32string text = characters_of(a[0].as_string());
  return Value::string(text_of(std::u32string(text.rbegin(), text.rend())));
}

Value join_list(Arguments a, Budget& budget) {
  const std::string separator = a.size() > 1 ? a[1].as_string() : "";
  std::string out;
  bool first = true;
  for (const Value& element : a[0].as_list()) {
    if (!element.is(Kind::kString))
      return Value::error(concat("no such overload: join() of a list with a ", type_name(element)));
    if (!budget.spend_bytes(element.as_string().size() + separator.size())) return limit_reached();
    if (!first) out += separator;
    first = false;
    out += element.as_string();
  }
  return Value::string(std::move(out));
}

Value quote(Arguments a, Budget& budget) {
  if (!afford(a, budget)) return limit_reached();
  constexpr std::string_view kEscaped = "\a\b\f\n\r\t\v\\\"";
  constexpr std::string_view kLetters = "abfnrtv\\\"";
  std::string out = "\"";
  for (const char c : a[0].as_string()) {
    const std::size_t at = kEscaped.find(c);
    if (at == std::string_view::npos) {
      out.push_back(c);
    } else {
      out.push_back('\\');
      out.push_back(kLetters[at]);
    }
  }
  return Value::string(out + '"');
}

constexpr std::array kDeclarations{
    Declaration{"string.contains(string): bool", contains},
    Declaration{"string.startsWith(string): bool", starts_with},
    Declaration{"string.endsWith(string): bool", ends_with},
    Declaration{"string.matches(string): bool", matches},
    Declaration{"matches(string, string): bool", matches},
    Declaration{"string.charAt(int): string", char_at},
    Declaration{"string.indexOf(string): int", index_of},
    Declaration{"string.indexOf(string, int): int", index_of},
    Declaration{"string.lastIndexOf(string): int", last_index_of},
    Declaration{"string.lastIndexOf(string, int): int", last_index_of},
    Declaration{"string.lowerAscii(): string", lower_ascii},
    Declaration{"string.upperAscii(): string", upper_ascii},
    Declaration{"string.replace(string, string): string", replace},
    Declaration{"string.replace(string, string, int): string", replace},
    Declaration{"string.split(string): list(string)", split},
    Declaration{"string.split(string, int): list(string)", split},
    Declaration{"string.substring(int): string", substring},
    Declaration{"string.substring(int, int): string", substring},
    Declaration{"string.trim(): string", trim},
    Declaration{"string.reverse(): string", reverse},
    Declaration{"list(string).join(): string", join_list},
    Declaration{"list(string).join(string): string", join_list},
    Declaration{"join(list(string)): string", join_list},
    Declaration{"join(list(string), string): string", join_list},
    Declaration{"strings.quote(string): string", quote},
};

}  // namespace

std::span<const Declaration> string_declarations() { return kDeclarations; }

}  // namespace reliant::expr
