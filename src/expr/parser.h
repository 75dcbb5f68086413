// From the text of an expression to its tree.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "expr/ast.h"
#include "expr/lexer.h"

namespace reliant::expr {

struct ParseOptions {
  std::size_t max_bytes = 65'536;
  int max_depth = 250;  // of brackets while reading, and of the tree
  bool macros = true;
};

// INVALID_ARGUMENT: "3:14: expected …, found …".
Result<NodePtr> parse(std::string_view source, const ParseOptions& options = {});
// Of an expression within a larger text: all of its tokens, the last one is kEnd.
Result<NodePtr> parse_tokens(std::vector<Token> tokens, const ParseOptions& options);

}  // namespace reliant::expr
