#include "temporal/engine/visibility_query.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include "base/text.h"

namespace reliant::temporal::engine {

namespace {

using Field = VisibilityQuery::Field;
using Operator = VisibilityQuery::Operator;
using Node = VisibilityQuery::Node;
using Value = VisibilityQuery::Value;

constexpr std::size_t kLongestQuery = 16u << 10;
constexpr int kDeepest = 50;  // parentheses and NOT

struct NamedField {
  std::string_view name;
  Field field;
};
constexpr std::array kFields = {NamedField{"WorkflowId", Field::kWorkflowId},
                                NamedField{"WorkflowType", Field::kWorkflowType},
                                NamedField{"RunId", Field::kRunId},
                                NamedField{"TaskQueue", Field::kTaskQueue},
                                NamedField{"ExecutionStatus", Field::kExecutionStatus},
                                NamedField{"StartTime", Field::kStartTime},
                                NamedField{"ExecutionTime", Field::kExecutionTime},
                                NamedField{"CloseTime", Field::kCloseTime}};

// By the number of the WorkflowExecutionStatus.
constexpr std::array<std::string_view, 8> kStatuses = {"",         "Running",    "Completed",      "Failed",
                                                       "Canceled", "Terminated", "ContinuedAsNew", "TimedOut"};
constexpr std::int64_t kRunning = 1;

bool is_time(Field field) { return field == Field::kStartTime || field == Field::kExecutionTime || field == Field::kCloseTime; }
bool is_text(Field field) { return !is_time(field) && field != Field::kExecutionStatus; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

// The value of `run` that a field names; nullopt: NULL.
std::optional<Value> value_of(const VisibleRun& run, Field field) {
  switch (field) {
    case Field::kWorkflowId:
      return run.workflow_id;
    case Field::kWorkflowType:
      return run.workflow_type;
    case Field::kRunId:
      return run.run_id;
    case Field::kTaskQueue:
      return run.task_queue;
    case Field::kExecutionStatus:
      return run.status;
    case Field::kStartTime:
      return run.start_time;
    case Field::kExecutionTime:
      return run.execution_time;
    default:
      if (run.closed_at == kNotClosed) return std::nullopt;
      return run.closed_at;
  }
}

// Nullopt: neither true nor false.
std::optional<bool> holds(const Node& node, const VisibleRun& run) {
  if (node.kind == Node::Kind::kNot) {
    const auto inner = holds(node.parts.front(), run);
    return inner ? std::optional(!*inner) : std::nullopt;
  }
  if (node.kind != Node::Kind::kCompare) {
    const bool deciding = node.kind == Node::Kind::kOr;
    std::optional<bool> result = !deciding;
    for (const Node& part : node.parts) {
      const auto inner = holds(part, run);
      if (inner == deciding) return deciding;
      if (!inner) result = std::nullopt;
    }
    return result;
  }
  const auto value = value_of(run, node.field);
  if (node.op == Operator::kIsNull) return !value.has_value();
  if (!value) return std::nullopt;
  switch (node.op) {
    case Operator::kEqual:
      return *value == node.values[0];
    case Operator::kLess:
      return *value < node.values[0];
    case Operator::kLessOrEqual:
      return *value <= node.values[0];
    case Operator::kGreater:
      return *value > node.values[0];
    case Operator::kGreaterOrEqual:
      return *value >= node.values[0];
    case Operator::kBetween:
      return *value >= node.values[0] && *value <= node.values[1];
    case Operator::kStartsWith:
      return std::get<std::string>(*value).starts_with(std::get<std::string>(node.values[0]));
    default:
      return std::ranges::find(node.values, *value) != node.values.end();
  }
}

// --- points in time --------------------------------------------------------------------------------------------------

// Reads `digits` digits from the front of `text`.
bool take_number(std::string_view& text, std::size_t digits, int& number) {
  if (text.size() < digits) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number);
  if (error != std::errc() || end != text.data() + digits || number < 0) return false;
  text.remove_prefix(digits);
  return true;
}
bool take(std::string_view& text, char c) {
  if (text.empty() || lower(text.front()) != lower(c)) return false;
  text.remove_prefix(1);
  return true;
}

// "2026-01-31T12:00:00.5Z", "2026-01-31T12:00:00+01:00", "2026-01-31 12:00:00", "2026-01-31".
std::optional<std::int64_t> parse_time(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!take_number(text, 4, year) || !take(text, '-') || !take_number(text, 2, month) || !take(text, '-') ||
      !take_number(text, 2, day)) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok() || year < 1700 || year > 2250) return std::nullopt;  // what nanoseconds in 64 bits can say
  std::int64_t nanos = std::chrono::nanoseconds(std::chrono::sys_days(date).time_since_epoch()).count();
  if (text.empty()) return nanos;
  if (!take(text, 'T') && !take(text, ' ')) return std::nullopt;
  if (!take_number(text, 2, hour) || !take(text, ':') || !take_number(text, 2, minute) || !take(text, ':') ||
      !take_number(text, 2, second) || hour > 23 || minute > 59 || second > 59) {
    return std::nullopt;
  }
  nanos += ((hour * 60ll + minute) * 60 + second) * 1'000'000'000;
  if (take(text, '.')) {
    std::int64_t unit = 100'000'000;
    if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), unit /= 10) {
      nanos += (text.front() - '0') * unit;
    }
  }
  if (text.empty() || (take(text, 'Z') && text.empty())) return nanos;
  const bool ahead = take(text, '+');
  if (!ahead && !take(text, '-')) return std::nullopt;
  if (!take_number(text, 2, hour) || !take(text, ':') || !take_number(text, 2, minute) || !text.empty()) return std::nullopt;
  const std::int64_t offset = (hour * 60ll + minute) * 60 * 1'000'000'000;
  return ahead ? nanos - offset : nanos + offset;
}

// --- words -----------------------------------------------------------------------------------------------------------

struct Lexeme {
  enum class Kind : std::uint8_t { kEnd, kWord, kText, kNumber, kSymbol };
  Kind kind = Kind::kEnd;
  std::string text;
  std::size_t position = 1;
};

Status complain(std::size_t position, std::string_view what) {
  return invalid_field("query", concat("invalid query: ", what, " at position ", position));
}

bool starts_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads the text whose opening quote stands at `at`.
Result<std::string> read_quoted(std::string_view query, std::size_t& at) {
  const std::size_t begin = at;
  const char quote = query[at++];
  std::string text;
  while (at < query.size()) {
    const char c = query[at++];
    if (c == '\\' && quote != '`' && at < query.size()) {
      text += query[at++];
    } else if (c != quote) {
      text += c;
    } else if (at < query.size() && query[at] == quote) {
      text += query[at++];
    } else {
      return text;
    }
  }
  return complain(begin + 1, concat("the text that begins has no end; close it with ", quote, ","));
}

Result<std::vector<Lexeme>> tokens_of(std::string_view query) {
  std::vector<Lexeme> tokens;
  std::size_t at = 0;
  while (at < query.size()) {
    const char c = query[at];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++at;
      continue;
    }
    Lexeme token{Lexeme::Kind::kSymbol, std::string(1, c), at + 1};
    const std::size_t begin = at;
    if (c == '\'' || c == '"' || c == '`') {
      TRY_ASSIGN(token.text, read_quoted(query, at));
      token.kind = c == '`' ? Lexeme::Kind::kWord : Lexeme::Kind::kText;
    } else if (starts_word(c)) {
      while (at < query.size() && (starts_word(query[at]) || is_digit(query[at]))) ++at;
      token.kind = Lexeme::Kind::kWord;
      token.text = std::string(query.substr(begin, at - begin));
    } else if (is_digit(c) || (c == '-' && at + 1 < query.size() && is_digit(query[at + 1]))) {
      ++at;
      while (at < query.size() && is_digit(query[at])) ++at;
      token.kind = Lexeme::Kind::kNumber;
      token.text = std::string(query.substr(begin, at - begin));
    } else {
      const std::string_view two = query.substr(at, 2);
      const bool pair = two == "!=" || two == "<=" || two == ">=" || two == "<>";
      if (!pair && std::string_view("=<>(),").find(c) == std::string_view::npos) {
        return complain(at + 1, concat("the character '", c, "' has no meaning; texts are in quotes,"));
      }
      if (pair) token.text = two == "<>" ? "!=" : std::string(two);
      at += token.text.size();
    }
    tokens.push_back(std::move(token));
  }
  tokens.push_back({Lexeme::Kind::kEnd, "", query.size() + 1});
  return tokens;
}

}  // namespace

// --- sentences -------------------------------------------------------------------------------------------------------

class VisibilityParser {
 public:
  explicit VisibilityParser(std::vector<Lexeme> tokens) : tokens_(std::move(tokens)) {}

  Result<VisibilityQuery> read() {
    VisibilityQuery query;
    if (!at_clause()) {
      TRY_ASSIGN(query.root_, read_or(0));
    }
    if (accept("GROUP")) TRY_OK(read_group(query));
    if (accept("ORDER")) TRY_OK(read_order(query));
    if (token().kind != Lexeme::Kind::kEnd) {
      return unexpected("AND, OR, ORDER BY or the end of the query");
    }
    if (query.root_) query.find_narrowing(*query.root_);
    return query;
  }

 private:
  const Lexeme& token() const { return tokens_[at_]; }
  bool is(std::string_view word) const { return token().kind == Lexeme::Kind::kWord && same_word(token().text, word); }
  bool accept(std::string_view word) {
    if (!is(word)) return false;
    ++at_;
    return true;
  }
  bool accept_symbol(std::string_view symbol) {
    if (token().kind != Lexeme::Kind::kSymbol || token().text != symbol) return false;
    ++at_;
    return true;
  }
  bool at_clause() const { return token().kind == Lexeme::Kind::kEnd || is("GROUP") || is("ORDER"); }
  Status unexpected(std::string_view wanted) const {
    const std::string found = token().kind == Lexeme::Kind::kEnd ? "the query ends" : concat("\"", token().text, "\" stands");
    return complain(token().position, concat("syntax error: ", found, " where ", wanted, " is expected,"));
  }

  Result<Node> read_or(int depth) { return read_chain("OR", Node::Kind::kOr, depth); }
  Result<Node> read_part(Node::Kind kind, int depth) {
    return kind == Node::Kind::kOr ? read_chain("AND", Node::Kind::kAnd, depth) : read_unary(depth);
  }
  Result<Node> read_chain(std::string_view word, Node::Kind kind, int depth) {
    TRY_ASSIGN(Node first, read_part(kind, depth));
    if (!is(word)) return first;
    Node chain;
    chain.kind = kind;
    chain.parts.push_back(std::move(first));
    while (accept(word)) {
      TRY_ASSIGN(Node next, read_part(kind, depth));
      chain.parts.push_back(std::move(next));
    }
    return chain;
  }
  Result<Node> read_unary(int depth) {
    if (depth > kDeepest) return complain(token().position, "parentheses are nested too deep; simplify the query");
    if (accept("NOT")) {
      TRY_ASSIGN(Node inner, read_unary(depth + 1));
      return negated(std::move(inner));
    }
    if (accept_symbol("(")) {
      TRY_ASSIGN(Node inner, read_or(depth + 1));
      if (!accept_symbol(")")) return unexpected("AND, OR or \")\"");
      return inner;
    }
    return read_comparison();
  }
  static Node negated(Node inner) {
    Node node;
    node.kind = Node::Kind::kNot;
    node.parts.push_back(std::move(inner));
    return node;
  }

  Result<Field> read_field() {
    if (token().kind != Lexeme::Kind::kWord) return unexpected("the name of a field");
    const auto found = std::ranges::find(kFields, std::string_view(token().text), &NamedField::name);
    if (found == kFields.end()) {
      std::string names;
      for (const NamedField& each : kFields) names += concat(names.empty() ? "" : ", ", each.name);
      return complain(token().position, concat("there is no field \"", token().text, "\"; the fields are ", names, ":"));
    }
    ++at_;
    return found->field;
  }

  Result<Node> read_comparison() {
    Node node;
    TRY_ASSIGN(node.field, read_field());
    if (accept("IS")) {
      const bool negative = accept("NOT");
      if (!accept("NULL")) return unexpected("NULL");
      node.op = Operator::kIsNull;
      return negative ? negated(std::move(node)) : node;
    }
    const bool negative = accept("NOT");
    const std::size_t position = token().position;
    if (accept("IN")) {
      node.op = Operator::kIn;
      TRY_OK(read_list(node));
    } else if (accept("BETWEEN")) {
      node.op = Operator::kBetween;
      TRY_OK(read_value(node));
      if (!accept("AND")) return unexpected("AND between the two bounds");
      TRY_OK(read_value(node));
    } else if (accept("STARTS_WITH")) {
      node.op = Operator::kStartsWith;
      TRY_OK(read_value(node));
    } else if (negative) {
      return unexpected("IN, BETWEEN or STARTS_WITH");
    } else {
      return read_symbol(std::move(node), position);
    }
    TRY_OK(check_operator(node, position));
    return negative ? negated(std::move(node)) : node;
  }

  Result<Node> read_symbol(Node node, std::size_t position) {
    const std::string symbol = token().kind == Lexeme::Kind::kSymbol ? token().text : "";
    bool negative = false;
    if (symbol == "=" || symbol == "!=") {
      negative = symbol == "!=";
    } else if (symbol == "<") {
      node.op = Operator::kLess;
    } else if (symbol == "<=") {
      node.op = Operator::kLessOrEqual;
    } else if (symbol == ">") {
      node.op = Operator::kGreater;
    } else if (symbol == ">=") {
      node.op = Operator::kGreaterOrEqual;
    } else {
      return unexpected("an operator (=, !=, <, <=, >, >=, IN, BETWEEN, STARTS_WITH, IS)");
    }
    ++at_;
    TRY_OK(read_value(node));
    TRY_OK(check_operator(node, position));
    return negative ? negated(std::move(node)) : node;
  }

  static Status check_operator(const Node& node, std::size_t position) {
    if (node.op == Operator::kStartsWith && !is_text(node.field)) {
      return complain(position, "STARTS_WITH is for texts; compare a time or a status otherwise:");
    }
    if (node.field == Field::kExecutionStatus && node.op != Operator::kEqual && node.op != Operator::kIn) {
      return complain(position, "a status has no order; ExecutionStatus takes =, != and IN:");
    }
    return ok_status();
  }

  Status read_list(Node& node) {
    if (!accept_symbol("(")) return unexpected("\"(\"");
    do {
      TRY_OK(read_value(node));
    } while (accept_symbol(","));
    return accept_symbol(")") ? ok_status() : unexpected("\",\" or \")\"");
  }

  Status read_value(Node& node) {
    const Lexeme& found = token();
    if (found.kind != Lexeme::Kind::kText && found.kind != Lexeme::Kind::kNumber) return unexpected("a value in quotes");
    TRY_ASSIGN(Value value, value_for(node.field, found));
    node.values.push_back(std::move(value));
    ++at_;
    return ok_status();
  }

  static Result<Value> value_for(Field field, const Lexeme& token) {
    if (is_text(field)) {
      if (token.kind == Lexeme::Kind::kText) return Value(token.text);
      return complain(token.position, concat("the field is a text; write '", token.text, "'"));
    }
    std::int64_t number = 0;
    if (token.kind == Lexeme::Kind::kNumber) {
      const auto [end, error] = std::from_chars(token.text.data(), token.text.data() + token.text.size(), number);
      const bool fits = error == std::errc() && end == token.text.data() + token.text.size();
      if (fits && (is_time(field) || (number > 0 && number < static_cast<std::int64_t>(kStatuses.size()))))
        return Value(number);
    }
    if (is_time(field)) {
      if (const auto time = parse_time(token.text)) return Value(*time);
      return complain(token.position, concat("\"", token.text, "\" is no point in time; write it as '2026-01-31T12:00:00Z':"));
    }
    for (std::size_t i = 1; i < kStatuses.size(); ++i) {
      if (same_word(token.text, kStatuses[i])) return Value(static_cast<std::int64_t>(i));
    }
    std::string names;
    for (std::size_t i = 1; i < kStatuses.size(); ++i) names += concat(i == 1 ? "" : ", ", kStatuses[i]);
    return complain(token.position, concat("\"", token.text, "\" is no ExecutionStatus; there are ", names, ":"));
  }

  Status read_group(VisibilityQuery& query) {
    if (!accept("BY")) return unexpected("BY");
    const std::size_t position = token().position;
    TRY_ASSIGN(const Field field, read_field());
    if (field != Field::kExecutionStatus || accept_symbol(",")) {
      return complain(position, "'GROUP BY' clause is only supported for ExecutionStatus");
    }
    query.groups_by_status_ = true;
    return ok_status();
  }

  Status read_order(VisibilityQuery& query) {
    if (!accept("BY")) return unexpected("BY");
    do {
      TRY_ASSIGN(const Field field, read_field());
      const bool descending = accept("DESC");
      if (!descending) accept("ASC");
      query.order_.push_back({field, descending});
    } while (accept_symbol(","));
    return ok_status();
  }

  std::vector<Lexeme> tokens_;
  std::size_t at_ = 0;
};

Result<VisibilityQuery> VisibilityQuery::parse(std::string_view text) {
  if (text.size() > kLongestQuery) {
    return invalid_field("query", concat("invalid query: it has ", text.size(), " bytes; ", kLongestQuery, " is the most"));
  }
  TRY_ASSIGN(std::vector<Lexeme> tokens, tokens_of(text));
  return VisibilityParser(std::move(tokens)).read();
}

bool VisibilityQuery::matches(const VisibleRun& run) const { return !root_ || holds(*root_, run) == true; }

// Follows AND only: what any part of it demands, all of it demands.
void VisibilityQuery::find_narrowing(const Node& node) {
  if (node.kind == Node::Kind::kAnd) {
    for (const Node& part : node.parts) find_narrowing(part);
    return;
  }
  const bool negative = node.kind == Node::Kind::kNot;
  const Node& inner = negative ? node.parts.front() : node;
  if (inner.kind != Node::Kind::kCompare) return;
  if (inner.field == Field::kExecutionStatus && inner.op == Operator::kEqual) {
    const bool running = inner.values.front() == Value(kRunning);
    if (running && !negative) only_running_ = true;
    if (running == negative) only_closed_ = true;
  } else if (inner.field == Field::kCloseTime) {
    const bool null = inner.op == Operator::kIsNull;
    if (null && !negative) only_running_ = true;
    if (!null || negative) only_closed_ = true;
  }
}

bool VisibilityQuery::before(const VisibleRun& a, const VisibleRun& b) const {
  for (const Order& order : order_) {
    // A running one closes later than all others.
    const Value x = order.field == Field::kCloseTime ? Value(a.closed_at) : *value_of(a, order.field);
    const Value y = order.field == Field::kCloseTime ? Value(b.closed_at) : *value_of(b, order.field);
    if (x != y) return order.descending ? y < x : x < y;
  }
  if (a.closed_at != b.closed_at) return a.closed_at > b.closed_at;
  if (a.start_time != b.start_time) return a.start_time > b.start_time;
  return a.run_id > b.run_id;
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string_view status_name(std::int64_t status) {
  return status > 0 && status < static_cast<std::int64_t>(kStatuses.size()) ? kStatuses[static_cast<std::size_t>(status)] : "";
}

}  // namespace reliant::temporal::engine
