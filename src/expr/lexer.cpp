#include "expr/lexer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/utf8.h"
#include "expr/characters.h"

namespace reliant::expr {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_word(char c) { return is_letter(c) || is_digit(c); }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr std::array<std::string_view, 6> kLongSymbols{"&&", "||", "==", "!=", "<=", ">="};

std::optional<char> simple_escape(char c) {
  switch (c) {
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case '\\':
    case '?':
    case '"':
    case '\'':
    case '`':
      return c;
    default:
      return std::nullopt;
  }
}

class Lexer {
 public:
  Lexer(std::string_view source, const Extent& extent)
      : source_(source), end_(extent.end), at_(extent.begin), position_(extent.position) {}

  Result<std::vector<Token>> run() {
    while (true) {
      TRY_OK(skip_blanks());
      start_ = {TokenKind::kEnd, {}, position_, at_};
      if (at_ == source_.size() || at_end_marker()) {
        tokens_.push_back(start_);
        return std::move(tokens_);
      }
      TRY_OK(next());
    }
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }
  bool at(std::string_view text) const { return source_.substr(at_).starts_with(text); }
  bool at_end_marker() const { return !end_.empty() && open_brackets_ == 0 && at(end_); }

  void advance() {
    if (source_[at_] == '\n') {
      ++position_.line;
      position_.column = 1;
    } else if ((static_cast<unsigned char>(source_[at_]) & 0xC0) != 0x80) {
      ++position_.column;
    }
    ++at_;
  }
  void advance(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) advance();
  }
  void add(TokenKind kind, std::string text) {
    start_.kind = kind;
    start_.text = std::move(text);
    tokens_.push_back(std::move(start_));
  }

  Status skip_blanks() {
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        advance();
      } else if (at("//")) {
        while (at_ < source_.size() && source_[at_] != '\n') advance();
      } else {
        break;
      }
    }
    return ok_status();
  }

  Status next() {
    const char c = peek();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if (const std::size_t prefix = string_prefix(); prefix != std::string_view::npos) return string(prefix);
    if (is_letter(c)) {
      std::string word;
      for (; is_word(peek()); advance()) word.push_back(peek());
      add(TokenKind::kIdentifier, std::move(word));
      return ok_status();
    }
    if (c == '`') return quoted_identifier();
    for (const std::string_view symbol : kLongSymbols) {
      if (!at(symbol)) continue;
      advance(symbol.size());
      add(TokenKind::kSymbol, std::string(symbol));
      return ok_status();
    }
    if (std::string_view("+-*/%<>!?:.,()[]{}").find(c) != std::string_view::npos && c != '\0') {
      if (c == '(' || c == '[' || c == '{') ++open_brackets_;
      if ((c == ')' || c == ']' || c == '}') && open_brackets_ > 0) --open_brackets_;
      advance();
      add(TokenKind::kSymbol, std::string(1, c));
      return ok_status();
    }
    return error_at(position_, unexpected());
  }

  std::string unexpected() const {
    const char c = peek();
    switch (c) {
      case '=':
        return "'=' is no operator; compare with '=='";
      case '&':
        return "'&' is no operator; a logical and is '&&'";
      case '|':
        return "'|' is no operator; a logical or is '||'";
      default: {
        const std::size_t length = std::max<std::size_t>(1, utf8_length(source_.substr(at_)));
        return concat("unexpected character '", text_from_bytes(source_.substr(at_, length)), "'");
      }
    }
  }

  Status quoted_identifier() {
    advance();
    std::string name;
    for (; at_ < source_.size() && peek() != '`'; advance()) {
      const char c = peek();
      if (!is_word(c) && c != '.' && c != '-' && c != '/' && c != ' ')
        return error_at(position_, "between backquotes stand letters, digits, '_', '.', '-', '/' and blanks only");
      name.push_back(c);
    }
    if (at_ == source_.size()) return error_at(start_.position, "the name has no closing '`'");
    if (name.empty()) return error_at(start_.position, "a name between backquotes is empty");
    advance();
    add(TokenKind::kQuotedIdentifier, std::move(name));
    return ok_status();
  }

  Status number() {
    std::string digits;
    TokenKind kind = TokenKind::kInt;
    if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X') && hex_digit(peek(2)) >= 0) {
      digits = "0x";
      advance(2);
      for (; hex_digit(peek()) >= 0; advance()) digits.push_back(peek());
    } else {
      const auto take_digits = [&] {
        for (; is_digit(peek()); advance()) digits.push_back(peek());
      };
      take_digits();
      if (peek() == '.' && is_digit(peek(1))) {
        kind = TokenKind::kDouble;
        digits.push_back('.');
        advance();
        take_digits();
      }
      const bool sign = peek(1) == '+' || peek(1) == '-';
      if ((peek() == 'e' || peek() == 'E') && is_digit(peek(sign ? 2 : 1))) {
        kind = TokenKind::kDouble;
        digits.append(source_.substr(at_, sign ? 2 : 1));
        advance(sign ? 2 : 1);
        take_digits();
      }
    }
    if (kind == TokenKind::kInt && (peek() == 'u' || peek() == 'U')) {
      kind = TokenKind::kUint;
      advance();
    }
    if (is_word(peek())) return error_at(position_, concat("unexpected '", peek(), "' after the number ", digits));
    add(kind, std::move(digits));
    return ok_status();
  }

  // The length of r, b, br before a quote; npos: no string begins here.
  std::size_t string_prefix() const {
    std::size_t length = 0;
    while (length < 2 && std::string_view("rRbB").find(peek(length)) != std::string_view::npos && peek(length) != '\0')
      ++length;
    const bool doubled = length == 2 && (peek(0) | 0x20) == (peek(1) | 0x20);
    const char quote = peek(length);
    return !doubled && (quote == '"' || quote == '\'') ? length : std::string_view::npos;
  }

  Status string(std::size_t prefix) {
    bool raw = false;
    bool bytes = false;
    for (std::size_t i = 0; i < prefix; ++i) ((peek(i) | 0x20) == 'r' ? raw : bytes) = true;
    advance(prefix);
    const std::string_view three = source_.substr(at_, 3);
    const bool triple = three == "\"\"\"" || three == "'''";
    const std::string_view quote = triple ? three : source_.substr(at_, 1);
    advance(quote.size());
    std::string out;
    while (!at(quote)) {
      if (at_ == source_.size() || (!triple && (peek() == '\n' || peek() == '\r')))
        return error_at(start_.position, concat("the string has no closing ", quote));
      if (peek() == '\\' && !raw) {
        TRY_OK(escape(bytes, out));
      } else {
        out.push_back(peek());
        advance();
      }
    }
    advance(quote.size());
    if (!bytes && !is_valid_utf8(out)) return error_at(start_.position, "the string is not UTF-8; bytes are written b'…'");
    add(bytes ? TokenKind::kBytes : TokenKind::kString, std::move(out));
    return ok_status();
  }

  Status escape(bool bytes, std::string& out) {
    const Position begin = position_;
    advance();
    const char c = peek();
    if (const auto simple = simple_escape(c)) {
      out.push_back(*simple);
      advance();
      return ok_status();
    }
    int digits = 0;
    unsigned base = 16;
    if (c == 'x' || c == 'X') {
      digits = 2;
    } else if (c == 'u') {
      digits = 4;
    } else if (c == 'U') {
      digits = 8;
    } else if (c >= '0' && c <= '3') {
      digits = 3;
      base = 8;
    } else {
      return error_at(begin, "this escape sequence does not exist; a backslash is written \\\\");
    }
    if (bytes && digits > 3) return error_at(begin, "bytes have no \\u escapes; write \\x and two digits");
    if (base == 16) advance();
    std::uint64_t code = 0;
    for (int i = 0; i < digits; ++i, advance()) {
      const int digit = hex_digit(peek());
      if (digit < 0 || digit >= static_cast<int>(base))
        return error_at(begin, concat("the escape sequence needs ", digits, base == 8 ? " octal" : " hexadecimal", " digits"));
      code = code * base + static_cast<unsigned>(digit);
    }
    if (bytes) {
      out.push_back(static_cast<char>(code));
      return ok_status();
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return error_at(begin, "the escape sequence names no character");
    append_character(out, static_cast<char32_t>(code));
    return ok_status();
  }

  std::string_view source_;
  std::string_view end_;
  std::size_t at_;
  Position position_;
  int open_brackets_ = 0;
  Token start_;
  std::vector<Token> tokens_;
};

}  // namespace

Status error_at(Position position, std::string_view message) {
  return invalid_argument(position.line, ":", position.column, ": ", message);
}

Result<std::vector<Token>> tokenize(std::string_view source, const Extent& extent) { return Lexer(source, extent).run(); }

}  // namespace reliant::expr
