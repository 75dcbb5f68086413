#include "expr/template.h"

#include "base/utf8.h"
#include "expr/json_value.h"
#include "expr/shell_text.h"
#include "expr/text.h"

namespace reliant::expr {
namespace {

constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";

void advance(Position& position, std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      ++position.line;
      position.column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++position.column;
    }
  }
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

Result<std::string> text_of(const Value& value, Position position, Budget& budget) {
  if (value.is(Kind::kNull)) return std::string();
  if (value.is(Kind::kOptional)) {
    const Value* held = value.as_optional();
    return held == nullptr ? std::string() : text_of(*held, position, budget);
  }
  if (auto text = text_of_scalar(value)) {
    if (!budget.spend_bytes(text->size()))
      return resource_exhausted(position.line, ":", position.column,
                                ": the text is larger than the limit of the evaluation's cost");
    return *std::move(text);
  }
  if (value.is(Kind::kBytes)) {
    if (!is_valid_utf8(value.as_bytes())) return error_at(position, "the bytes are no text; write base64.encode(…)");
    return value.as_bytes();
  }
  const auto json = json_from_value(value, budget);
  if (!json.ok())
    return make_status(json.status().code(), position.line, ":", position.column, ": ", message_of(json.status()));
  return to_json(*json);
}

// a, a.b, a[0].b: nothing that makes a value of its own.
bool is_reference(const Node& node) {
  switch (node.kind) {
    case NodeKind::kIdentifier:
      return true;
    case NodeKind::kSelect:
      return !node.test_only && is_reference(*node.target);
    case NodeKind::kCall:
      return (node.name == "_[_]" || node.name == "_[?_]") && is_reference(*node.arguments[0]);
    default:
      return false;
  }
}

bool is_raw(const Node& node) { return node.kind == NodeKind::kCall && node.name == "raw" && !node.target; }

bool is_empty(const Value& value) {
  if (value.is(Kind::kOptional)) return value.as_optional() == nullptr || is_empty(*value.as_optional());
  const bool holds = value.is(Kind::kNull) || value.is(Kind::kString) || value.is(Kind::kBytes) || value.is(Kind::kList);
  return holds && is_zero(value);
}

}  // namespace

Result<Template> Template::compile(std::string_view text, const Environment& environment) {
  if (text.size() > environment.parsing.max_bytes)
    return invalid_argument("1:1: the template has ", text.size(), " bytes; the limit is ", environment.parsing.max_bytes);
  Template out;
  Position position{1, 1};
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t open = std::min(text.find(kOpen, at), text.size());
    if (open > at) out.parts_.push_back({std::string(text.substr(at, open - at)), nullptr, position});
    advance(position, text.substr(at, open - at));
    if (open == text.size()) break;
    const Position start = position;
    advance(position, kOpen);
    const std::size_t begin = open + kOpen.size();
    TRY_ASSIGN(std::vector<Token> tokens, tokenize(text, {begin, position, kClose}));
    const std::size_t end = tokens.back().offset;
    const bool closed = text.substr(end).starts_with(kClose);
    auto expression = Expression::compile_tokens(std::move(tokens), environment);
    if (!closed && expression.ok()) return error_at(start, "'{{' has no closing '}}'");
    if (!expression.ok()) return expression.status();
    const std::string_view source = text.substr(begin, end - begin);
    out.parts_.push_back({std::string(trimmed(source)), std::make_shared<const Expression>(*std::move(expression)), start});
    advance(position, source);
    advance(position, kClose);
    at = end + kClose.size();
  }
  return out;
}

Type Template::type() const { return is_expression() ? parts_[0].expression->type() : Type{TypeKind::kString, {}, {}}; }

Result<Value> Template::evaluate(const Variables& variables, std::uint64_t max_cost) const {
  if (is_expression()) return parts_[0].expression->evaluate(variables, max_cost);
  TRY_ASSIGN(std::string text, render(variables, max_cost));
  return Value::string(std::move(text));
}

Result<std::string> Template::render(const Variables& variables, std::uint64_t max_cost) const {
  Budget budget(max_cost);
  std::string out;
  for (const Part& part : parts_) {
    if (!part.expression) {
      out += part.text;
      continue;
    }
    TRY_ASSIGN(const Value value, part.expression->evaluate(variables, budget));
    TRY_ASSIGN(const std::string text, text_of(value, part.position, budget));
    out += text;
  }
  return out;
}

Result<std::string> Template::render_command(const Variables& variables, std::uint64_t max_cost) const {
  Budget budget(max_cost);
  ShellText shell;
  std::string out;
  for (const Part& part : parts_) {
    std::string text = part.text;
    bool raw = !part.expression;
    if (part.expression) {
      TRY_ASSIGN(const Value value, part.expression->evaluate(variables, budget));
      raw = is_raw(part.expression->tree());
      if (raw) {
        TRY_ASSIGN(text, text_of(value, part.position, budget));
      } else {
        TRY_ASSIGN(text, command_words(part, value, shell, budget));
      }
    }
    if (raw) {
      shell.read(text);
    } else {
      shell.pass_value();
    }
    out += text;
  }
  return out;
}

Result<std::string> Template::command_words(const Part& part, const Value& value, ShellText& shell, Budget& budget) const {
  const Position position = part.position;
  if (is_reference(part.expression->tree()) && is_empty(value))
    return failed_precondition(position.line, ":", position.column, ": ", part.text,
                               " is empty, and would be missing in the command; write {{ string(", part.text,
                               ") }} where that is meant");
  const ShellPlace place = shell.place();
  if (place == ShellPlace::kUnclear)
    return error_at(position, concat("the value of ", part.text, " cannot be quoted ", shell.reason(),
                                     "; put it into a variable of the shell first: x={{ ", part.text, " }}, then \"$x\""));
  const bool list = value.is(Kind::kList);
  if (list && place != ShellPlace::kPlain)
    return error_at(position,
                    concat(part.text, " is a list: its elements are words, and stand outside of quotes; or write join(",
                           part.text, ", ' ')"));
  std::string out;
  for (const Value& word : list ? value.as_list() : List{value}) {
    TRY_ASSIGN(const std::string text, text_of(word, position, budget));
    if (text.find('\0') != std::string::npos)
      return error_at(position, concat("the value of ", part.text, " has a NUL byte, which no command can hold"));
    if (list && !out.empty()) out += ' ';
    out += shell_quoted(text, place);
  }
  return out;
}

std::vector<const Expression*> Template::expressions() const {
  std::vector<const Expression*> expressions;
  for (const Part& part : parts_) {
    if (part.expression) expressions.push_back(part.expression.get());
  }
  return expressions;
}

}  // namespace reliant::expr
