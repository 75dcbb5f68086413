#include "expr/type.h"

#include <array>

namespace reliant::expr {
namespace {

struct Named {
  std::string_view name;
  TypeKind kind;
};
constexpr std::array kSimple{
    Named{"dyn", TypeKind::kDyn},           Named{"null_type", TypeKind::kNull}, Named{"bool", TypeKind::kBool},
    Named{"int", TypeKind::kInt},           Named{"uint", TypeKind::kUint},      Named{"double", TypeKind::kDouble},
    Named{"string", TypeKind::kString},     Named{"bytes", TypeKind::kBytes},    Named{"timestamp", TypeKind::kTimestamp},
    Named{"duration", TypeKind::kDuration}, Named{"list", TypeKind::kList},      Named{"map", TypeKind::kMap},
    Named{"type", TypeKind::kType},
};

std::string_view name_of(TypeKind kind) {
  for (const Named& named : kSimple)
    if (named.kind == kind) return named.name;
  return "";
}

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

void skip_blanks(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
}

std::size_t parameter_count(TypeKind kind) {
  if (kind == TypeKind::kMap) return 2;
  return kind == TypeKind::kList ? 1 : 0;
}

}  // namespace

Type list_of(Type element) { return {TypeKind::kList, {}, {std::move(element)}}; }
Type map_of(Type key, Type value) { return {TypeKind::kMap, {}, {std::move(key), std::move(value)}}; }
Type optional_of(Type value) { return {TypeKind::kAbstract, "optional_type", {std::move(value)}}; }
bool is_optional(const Type& type) { return type.kind == TypeKind::kAbstract && type.name == "optional_type"; }

std::string to_string(const Type& type) {
  std::string out(type.kind == TypeKind::kAbstract || type.kind == TypeKind::kParameter ? type.name : name_of(type.kind));
  if (type.parameters.empty()) return out;
  out += '(';
  for (std::size_t i = 0; i < type.parameters.size(); ++i) out += (i == 0 ? "" : ", ") + to_string(type.parameters[i]);
  return out + ')';
}

Result<Type> take_type(std::string_view& text) {
  skip_blanks(text);
  std::size_t length = 0;
  while (length < text.size() && is_word(text[length])) ++length;
  const std::string_view name = text.substr(0, length);
  text.remove_prefix(length);
  Type type;
  if (name.size() == 1 && name[0] >= 'A' && name[0] <= 'Z') return Type{TypeKind::kParameter, std::string(name), {}};
  bool known = name == "optional_type";
  if (known) type = {TypeKind::kAbstract, "optional_type", {}};
  for (const Named& named : kSimple) {
    if (named.name != name) continue;
    type.kind = named.kind;
    known = true;
  }
  if (!known) return invalid_argument("'", name, "' is no type");
  const std::size_t wanted = known && type.kind == TypeKind::kAbstract ? 1 : parameter_count(type.kind);
  const bool may = wanted > 0 || type.kind == TypeKind::kType;
  if (may && text.starts_with('(')) {
    do {
      text.remove_prefix(1);
      TRY_ASSIGN(Type parameter, take_type(text));
      type.parameters.push_back(std::move(parameter));
      skip_blanks(text);
    } while (text.starts_with(','));
    if (!text.starts_with(')')) return invalid_argument("the type ", name, "(… has no closing ')'");
    text.remove_prefix(1);
    if (wanted > 0 && type.parameters.size() != wanted)
      return invalid_argument("the type ", name, " has ", wanted, " parameters, not ", type.parameters.size());
  }
  while (type.parameters.size() < wanted) type.parameters.emplace_back();
  return type;
}

Result<Type> parse_type(std::string_view text) {
  TRY_ASSIGN(Type type, take_type(text));
  skip_blanks(text);
  if (!text.empty()) return invalid_argument("unexpected '", text, "' after the type ", to_string(type));
  return type;
}

bool accepts(const Type& type, const Value& value) {
  switch (type.kind) {
    case TypeKind::kDyn:
    case TypeKind::kParameter:
      return true;
    case TypeKind::kNull:
      return value.is(Kind::kNull);
    case TypeKind::kBool:
      return value.is(Kind::kBool);
    case TypeKind::kInt:
      return value.is(Kind::kInt);
    case TypeKind::kUint:
      return value.is(Kind::kUint);
    case TypeKind::kDouble:
      return value.is(Kind::kDouble);
    case TypeKind::kString:
      return value.is(Kind::kString);
    case TypeKind::kBytes:
      return value.is(Kind::kBytes);
    case TypeKind::kTimestamp:
      return value.is(Kind::kTimestamp);
    case TypeKind::kDuration:
      return value.is(Kind::kDuration);
    case TypeKind::kList:
      return value.is(Kind::kList);
    case TypeKind::kMap:
      return value.is(Kind::kMap);
    case TypeKind::kType:
      return value.is(Kind::kType);
    case TypeKind::kAbstract:
      return is_optional(type) && value.is(Kind::kOptional);
  }
  return false;
}

}  // namespace reliant::expr
