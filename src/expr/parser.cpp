#include "expr/parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "expr/macros.h"
#include "expr/text.h"

namespace reliant::expr {
namespace {

constexpr std::array<std::string_view, 17> kReserved{"as",        "break",  "const",  "continue", "else", "for",
                                                     "function",  "if",     "import", "let",      "loop", "package",
                                                     "namespace", "return", "var",    "void",     "while"};
constexpr std::array<std::string_view, 4> kKeywords{"in", "true", "false", "null"};

bool is_reserved(std::string_view word) { return std::find(kReserved.begin(), kReserved.end(), word) != kReserved.end(); }
bool is_keyword(std::string_view word) { return std::find(kKeywords.begin(), kKeywords.end(), word) != kKeywords.end(); }

struct BinaryOperator {
  std::string_view symbol;
  int level;
  std::string_view function;
};
constexpr int kOrLevel = 1;
constexpr int kAndLevel = 2;
constexpr std::array kBinaryOperators{
    BinaryOperator{"||", kOrLevel, "_||_"}, BinaryOperator{"&&", kAndLevel, "_&&_"}, BinaryOperator{"<", 3, "_<_"},
    BinaryOperator{"<=", 3, "_<=_"},        BinaryOperator{">", 3, "_>_"},           BinaryOperator{">=", 3, "_>=_"},
    BinaryOperator{"==", 3, "_==_"},        BinaryOperator{"!=", 3, "_!=_"},         BinaryOperator{"in", 3, "@in"},
    BinaryOperator{"+", 4, "_+_"},          BinaryOperator{"-", 4, "_-_"},           BinaryOperator{"*", 5, "_*_"},
    BinaryOperator{"/", 5, "_/_"},          BinaryOperator{"%", 5, "_%_"},
};

std::string shown(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd:
      return "the end of the expression";
    case TokenKind::kString:
    case TokenKind::kBytes:
      return "a string";
    default:
      return concat("'", token.text, "'");
  }
}

class Parser {
 public:
  Parser(std::vector<Token> tokens, const ParseOptions& options) : tokens_(std::move(tokens)), options_(options) {}

  Result<NodePtr> run() {
    TRY_ASSIGN(NodePtr node, expression());
    if (token().kind != TokenKind::kEnd) return expected("an operator or the end of the expression");
    return node;
  }

 private:
  const Token& token() const { return tokens_[at_]; }
  bool at(std::string_view symbol) const { return token().kind == TokenKind::kSymbol && token().text == symbol; }
  bool take(std::string_view symbol) {
    if (!at(symbol)) return false;
    ++at_;
    return true;
  }
  Status expected(std::string_view what) const {
    if (token().kind == TokenKind::kIdentifier && is_reserved(token().text))
      return error_at(token().position, concat("'", token().text, "' is a reserved word, and no name"));
    return error_at(token().position, concat("expected ", what, ", found ", shown(token())));
  }
  Status need(std::string_view symbol) { return take(symbol) ? ok_status() : expected(concat("'", symbol, "'")); }
  Status too_deep(Position position) const {
    return error_at(position, concat("the expression is nested deeper than ", options_.max_depth, " levels; split it"));
  }

  NodePtr make(NodeKind kind, Position position, std::string name = {}) const {
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->position = position;
    node->name = std::move(name);
    return node;
  }

  // All nodes that have children pass here.
  Result<NodePtr> measured(NodePtr node) const {
    int deepest = node->target ? node->target->depth : 0;
    for (const NodePtr& argument : node->arguments) deepest = std::max(deepest, argument->depth);
    node->depth = deepest + 1;
    if (node->depth > options_.max_depth) return too_deep(node->position);
    return node;
  }

  Result<NodePtr> call(std::string_view function, Position position, std::vector<NodePtr> arguments) const {
    NodePtr node = make(NodeKind::kCall, position, std::string(function));
    node->arguments = std::move(arguments);
    return measured(std::move(node));
  }

  Result<NodePtr> expression() {
    if (++open_ > options_.max_depth) return too_deep(token().position);
    auto result = conditional();
    --open_;
    return result;
  }

  Result<NodePtr> conditional() {
    TRY_ASSIGN(NodePtr condition, binary(kOrLevel));
    const Position position = token().position;
    if (!take("?")) return condition;
    TRY_ASSIGN(NodePtr yes, binary(kOrLevel));
    TRY_OK(need(":"));
    TRY_ASSIGN(NodePtr no, expression());
    std::vector<NodePtr> arguments;
    arguments.push_back(std::move(condition));
    arguments.push_back(std::move(yes));
    arguments.push_back(std::move(no));
    return call("_?_:_", position, std::move(arguments));
  }

  const BinaryOperator* binary_operator(int least_level) const {
    if (token().kind != TokenKind::kSymbol && token().kind != TokenKind::kIdentifier) return nullptr;
    for (const BinaryOperator& candidate : kBinaryOperators)
      if (candidate.level >= least_level && candidate.symbol == token().text) return &candidate;
    return nullptr;
  }

  Result<NodePtr> binary(int least_level) {
    TRY_ASSIGN(NodePtr left, unary());
    while (const BinaryOperator* found = binary_operator(least_level)) {
      const Position position = token().position;
      ++at_;
      TRY_ASSIGN(NodePtr right, binary(found->level + 1));
      // a || b || c is one node: a long chain is not a deep tree.
      const bool chain =
          found->level <= kAndLevel && left->kind == NodeKind::kCall && left->name == found->function && !left->closed;
      if (chain) {
        left->depth = std::max(left->depth, right->depth + 1);
        left->arguments.push_back(std::move(right));
        if (left->depth > options_.max_depth) return too_deep(position);
        continue;
      }
      std::vector<NodePtr> arguments;
      arguments.push_back(std::move(left));
      arguments.push_back(std::move(right));
      TRY_ASSIGN(left, call(found->function, position, std::move(arguments)));
    }
    return left;
  }

  Result<NodePtr> unary() {
    const Token first = token();
    if (at("-") && (tokens_[at_ + 1].kind == TokenKind::kInt || tokens_[at_ + 1].kind == TokenKind::kDouble)) {
      ++at_;
      return member(/*negative=*/true);
    }
    if (!at("!") && !at("-")) return member(false);
    ++at_;
    if (++open_ > options_.max_depth) return too_deep(first.position);
    TRY_ASSIGN(NodePtr operand, unary());
    --open_;
    std::vector<NodePtr> arguments;
    arguments.push_back(std::move(operand));
    return call(first.text == "!" ? "!_" : "-_", first.position, std::move(arguments));
  }

  Result<NodePtr> member(bool negative) {
    TRY_ASSIGN(NodePtr node, primary(negative));
    while (true) {
      if (at(".")) {
        TRY_ASSIGN(node, selection(std::move(node)));
      } else if (at("[")) {
        TRY_ASSIGN(node, index(std::move(node)));
      } else if (at("{") && !node->qualified_name.empty() && !node->closed) {
        TRY_ASSIGN(node, structure(std::move(node)));
      } else {
        return node;
      }
    }
  }

  Result<NodePtr> selection(NodePtr target) {
    TRY_OK(need("."));
    const bool optional = take("?");
    const Token field = token();
    const bool quoted = field.kind == TokenKind::kQuotedIdentifier;
    if (!quoted && (field.kind != TokenKind::kIdentifier || is_keyword(field.text)))
      return expected("the name of a field or function");
    ++at_;
    if (!optional && !quoted && at("(")) {
      NodePtr node = make(NodeKind::kCall, field.position, field.text);
      node->target = std::move(target);
      TRY_ASSIGN(node->arguments, arguments());
      return finished_call(std::move(node));
    }
    NodePtr node = make(NodeKind::kSelect, field.position, field.text);
    node->optional = optional;
    if (!optional && !quoted && !target->qualified_name.empty() && !target->closed) {
      node->qualified_name = concat(target->qualified_name, ".", field.text);
      node->absolute = target->absolute;
    }
    node->target = std::move(target);
    return measured(std::move(node));
  }

  Result<NodePtr> finished_call(NodePtr node) const {
    if (options_.macros) {
      TRY_ASSIGN(node, expand_macro(std::move(node)));
    }
    return measured(std::move(node));
  }

  Result<NodePtr> index(NodePtr target) {
    const Position position = token().position;
    TRY_OK(need("["));
    const bool optional = take("?");
    TRY_ASSIGN(NodePtr key, expression());
    TRY_OK(need("]"));
    std::vector<NodePtr> arguments;
    arguments.push_back(std::move(target));
    arguments.push_back(std::move(key));
    return call(optional ? "_[?_]" : "_[_]", position, std::move(arguments));
  }

  Result<std::vector<NodePtr>> arguments() {
    TRY_OK(need("("));
    std::vector<NodePtr> out;
    if (take(")")) return out;
    while (true) {
      TRY_ASSIGN(NodePtr argument, expression());
      out.push_back(std::move(argument));
      if (take(")")) return out;
      if (!take(",")) return expected("',' or ')'");
    }
  }

  Result<NodePtr> primary(bool negative) {
    const Token first = token();
    switch (first.kind) {
      case TokenKind::kInt:
      case TokenKind::kUint:
      case TokenKind::kDouble:
        ++at_;
        return number(first, negative);
      case TokenKind::kString:
        ++at_;
        return literal(first, Value::string(first.text));
      case TokenKind::kBytes:
        ++at_;
        return literal(first, Value::bytes(first.text));
      case TokenKind::kIdentifier:
        return identifier(/*absolute=*/false);
      case TokenKind::kSymbol:
        break;
      case TokenKind::kQuotedIdentifier:
        return error_at(first.position, "a name between backquotes stands after a dot only: a.`b-c`");
      case TokenKind::kEnd:
        return expected("an expression");
    }
    if (take("(")) {
      TRY_ASSIGN(NodePtr node, expression());
      TRY_OK(need(")"));
      node->closed = true;
      return node;
    }
    if (at("[")) return list();
    if (at("{")) return map();
    if (take(".")) return identifier(/*absolute=*/true);
    return expected("an expression");
  }

  NodePtr literal(const Token& token, Value value) const {
    NodePtr node = make(NodeKind::kLiteral, token.position);
    node->literal = std::move(value);
    return node;
  }

  template <class Number>
  static bool read(std::string_view digits, Number& out, int base) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out, base);
    return error == std::errc() && end == digits.data() + digits.size();
  }

  Result<NodePtr> number(const Token& token, bool negative) const {
    const std::string sign = negative ? "-" : "";
    if (token.kind == TokenKind::kDouble) {
      const auto real = read_double(sign + token.text);
      if (!real) return error_at(token.position, concat(sign, token.text, " is no double"));
      return literal(token, Value::floating(*real));
    }
    const bool hex = token.text.starts_with("0x");
    const std::string digits = sign + (hex ? token.text.substr(2) : token.text);
    std::uint64_t unsigned_number = 0;
    std::int64_t number = 0;
    const bool fits =
        token.kind == TokenKind::kUint ? read(digits, unsigned_number, hex ? 16 : 10) : read(digits, number, hex ? 16 : 10);
    if (!fits)
      return error_at(token.position,
                      concat(sign, token.text, token.kind == TokenKind::kUint ? " is no 64-bit uint" : " is no 64-bit int"));
    return literal(token, token.kind == TokenKind::kUint ? Value::unsigned_integer(unsigned_number) : Value::integer(number));
  }

  Result<NodePtr> identifier(bool absolute) {
    const Token name = token();
    if (name.kind != TokenKind::kIdentifier) return expected("a name");
    if (!absolute && (name.text == "true" || name.text == "false")) {
      ++at_;
      return literal(name, Value::boolean(name.text == "true"));
    }
    if (!absolute && name.text == "null") {
      ++at_;
      return literal(name, Value());
    }
    if (is_keyword(name.text) || is_reserved(name.text)) return expected("an expression");
    ++at_;
    if (at("(")) {
      NodePtr node = make(NodeKind::kCall, name.position, name.text);
      node->absolute = absolute;
      TRY_ASSIGN(node->arguments, arguments());
      return finished_call(std::move(node));
    }
    NodePtr node = make(NodeKind::kIdentifier, name.position, name.text);
    node->absolute = absolute;
    node->qualified_name = name.text;
    return node;
  }

  Result<NodePtr> list() {
    NodePtr node = make(NodeKind::kList, token().position);
    TRY_OK(need("["));
    while (!take("]")) {
      node->optional_entries.push_back(take("?"));
      TRY_ASSIGN(NodePtr element, expression());
      node->arguments.push_back(std::move(element));
      if (!at("]") && !take(",")) return expected("',' or ']'");
    }
    return measured(std::move(node));
  }

  Result<NodePtr> map() {
    NodePtr node = make(NodeKind::kMap, token().position);
    TRY_OK(need("{"));
    while (!take("}")) {
      node->optional_entries.push_back(take("?"));
      TRY_ASSIGN(NodePtr key, expression());
      TRY_OK(need(":"));
      TRY_ASSIGN(NodePtr value, expression());
      node->arguments.push_back(std::move(key));
      node->arguments.push_back(std::move(value));
      if (!at("}") && !take(",")) return expected("',' or '}'");
    }
    return measured(std::move(node));
  }

  Result<NodePtr> structure(NodePtr type) {
    NodePtr node = make(NodeKind::kStruct, type->position, type->qualified_name);
    TRY_OK(need("{"));
    while (!take("}")) {
      node->optional_entries.push_back(take("?"));
      const Token field = token();
      if (field.kind != TokenKind::kQuotedIdentifier && (field.kind != TokenKind::kIdentifier || is_keyword(field.text)))
        return expected("the name of a field");
      ++at_;
      TRY_OK(need(":"));
      TRY_ASSIGN(NodePtr value, expression());
      node->names.push_back(field.text);
      node->arguments.push_back(std::move(value));
      if (!at("}") && !take(",")) return expected("',' or '}'");
    }
    return measured(std::move(node));
  }

  std::vector<Token> tokens_;
  const ParseOptions& options_;
  std::size_t at_ = 0;
  int open_ = 0;
};

}  // namespace

Result<NodePtr> parse(std::string_view source, const ParseOptions& options) {
  if (source.size() > options.max_bytes)
    return invalid_argument("1:1: the expression has ", source.size(), " bytes; the limit is ", options.max_bytes);
  TRY_ASSIGN(std::vector<Token> tokens, tokenize(source));
  return parse_tokens(std::move(tokens), options);
}

Result<NodePtr> parse_tokens(std::vector<Token> tokens, const ParseOptions& options) {
  RELIANT_ASSERT(!tokens.empty() && tokens.back().kind == TokenKind::kEnd, "the last token is the end");
  return Parser(std::move(tokens), options).run();
}

}  // namespace reliant::expr
