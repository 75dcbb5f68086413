// The words of an expression, each with its place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "expr/value.h"

namespace reliant::expr {

enum class TokenKind {
  kEnd,
  kIdentifier,
  kQuotedIdentifier,  // `a-b`, after a dot only
  kSymbol,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  // digits without `u`; a string's characters, unescaped
  Position position;
  std::size_t offset = 0;  // in bytes
};

// Where an expression begins in its text, and the characters that end it, where they stand outside of strings, comments and
// brackets; "": the end of the text.
struct Extent {
  std::size_t begin = 0;  // in bytes
  Position position{1, 1};
  std::string_view end;
};

// INVALID_ARGUMENT: "3:14: …". The last token is kEnd; its offset is where the expression ends.
Result<std::vector<Token>> tokenize(std::string_view source, const Extent& extent = {});

// "3:14: message"
Status error_at(Position position, std::string_view message);

}  // namespace reliant::expr
