// The syntax tree of an expression. Operators are calls of functions with CEL's own names ("_+_", "_[_]"); macros are nodes of
// their own, carried out directly rather than as folds.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "expr/function.h"
#include "expr/value.h"

namespace reliant::expr {

enum class NodeKind {
  kLiteral,
  kIdentifier,
  kSelect,  // target.name
  kCall,    // name(arguments), or target.name(arguments)
  kList,
  kMap,     // arguments: key, value, key, value …
  kStruct,  // name{names: arguments}
  kMacro,   // target.macro(names, arguments)
};

enum class Macro {
  kAll,
  kExists,
  kExistsOne,
  kMap,     // arguments: (condition,) element
  kFilter,  // arguments: condition
  kTransformMap,
  kTransformMapEntry,
  kSortBy,
  kBind,  // target: the value of the variable
  kOptMap,
  kOptFlatMap,
};

struct Node;
using NodePtr = std::unique_ptr<Node>;

struct Node {
  NodeKind kind = NodeKind::kLiteral;
  Position position;
  int depth = 1;  // of the tree under this node, with it

  Value literal;
  std::string name;
  // a.b.c, where the node is that and nothing else: it may be the name of one variable, or the front of a function's.
  std::string qualified_name;
  bool closed = false;     // (a): in brackets
  bool absolute = false;   // .a: a name from the root, whatever the container and the macros' variables
  bool optional = false;   // a.?b
  bool test_only = false;  // has(a.b)

  NodePtr target;
  std::vector<NodePtr> arguments;
  const std::vector<Overload>* overloads = nullptr;  // kCall: set by resolve(); null: there is no such function
  std::vector<bool> optional_entries;                // kList, kMap: [?a], {?k: v}; one for each element or entry

  Macro macro = Macro::kAll;
  std::vector<std::string> names;
};

}  // namespace reliant::expr
