// The type of an expression, as the checker deduces it. What is not known is `dyn`, and fits everything.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "expr/value.h"

namespace reliant::expr {

enum class TypeKind {
  kDyn,
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kTimestamp,
  kDuration,
  kList,       // parameters: element
  kMap,        // parameters: key, value
  kType,       // parameters: the type that it names, or none
  kAbstract,   // name, and parameters: optional_type(T)
  kParameter,  // name: A, B in a function's signature; the checker's own have numbers
};

struct Type {
  TypeKind kind = TypeKind::kDyn;
  std::string name;
  std::vector<Type> parameters;

  friend bool operator==(const Type&, const Type&) = default;
};

Type list_of(Type element);
Type map_of(Type key, Type value);
Type optional_of(Type value);
bool is_optional(const Type& type);

// "map(string, list(int))"
std::string to_string(const Type& type);

// Reads what to_string writes; a single capital letter is a parameter. INVALID_ARGUMENT for what is no type.
Result<Type> parse_type(std::string_view text);
// Takes a type off the front of `text`.
Result<Type> take_type(std::string_view& text);

// Whether a value may stand where this type is asked for: by its kind only, not by what it holds.
bool accepts(const Type& type, const Value& value);

}  // namespace reliant::expr
