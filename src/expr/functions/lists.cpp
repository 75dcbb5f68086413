// The extension `lists`.
#include <algorithm>
#include <array>

#include "expr/function.h"
#include "expr/sort.h"

namespace reliant::expr {
namespace {

using Arguments = std::span<const Value>;

constexpr std::int64_t kLongestRange = 1'000'000;

Value slice(Arguments a, Budget& budget) {
  const List& list = a[0].as_list();
  const std::int64_t begin = a[1].as_int();
  const std::int64_t end = a[2].as_int();
  if (begin < 0 || end > std::ssize(list) || begin > end)
    return Value::error(concat("invalid_argument: slice(", begin, ", ", end, ") of a list of ", list.size(), " elements"));
  if (!budget.spend(static_cast<std::uint64_t>(end - begin))) return limit_reached();
  return Value::list(List(list.begin() + begin, list.begin() + end));
}

Value flatten_into(const List& list, std::int64_t depth, List& out, Budget& budget) {
  if (!budget.spend(list.size() + 1)) return limit_reached();
  for (const Value& element : list) {
    if (depth > 0 && element.is(Kind::kList)) {
      if (Value error = flatten_into(element.as_list(), depth - 1, out, budget); error.is_error()) return error;
    } else {
      out.push_back(element);
    }
  }
  return Value();
}

Value flatten(Arguments a, Budget& budget) {
  const std::int64_t depth = a.size() > 1 ? a[1].as_int() : 1;
  if (depth < 0) return Value::error("invalid_argument: the depth of flatten() is not negative");
  List out;
  if (Value error = flatten_into(a[0].as_list(), depth, out, budget); error.is_error()) return error;
  return Value::list(std::move(out));
}

Value distinct(Arguments a, Budget& budget) {
  List out;
  for (const Value& element : a[0].as_list()) {
    const bool known = std::any_of(out.begin(), out.end(), [&](const Value& other) { return equal(element, other, budget); });
    if (budget.exhausted()) return limit_reached();
    if (!known) out.push_back(element);
  }
  return Value::list(std::move(out));
}

Value range(Arguments a, Budget& budget) {
  const std::int64_t count = a[0].as_int();
  if (count < 0 || count > kLongestRange)
    return Value::error(concat("invalid_argument: lists.range(", count, "); the limit is ", kLongestRange));
  if (!budget.spend(static_cast<std::uint64_t>(count))) return limit_reached();
  List out;
  out.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) out.push_back(Value::integer(i));
  return Value::list(std::move(out));
}

Value reverse(Arguments a, Budget& budget) {
  const List& list = a[0].as_list();
  if (!budget.spend(list.size())) return limit_reached();
  return Value::list(List(list.rbegin(), list.rend()));
}

Value sort(Arguments a, Budget& budget) { return sorted_by(a[0].as_list(), a[0].as_list(), budget); }

constexpr std::array kDeclarations{
    Declaration{"list(A).slice(int, int): list(A)", slice},
    Declaration{"list(A).flatten(): list(dyn)", flatten},
    Declaration{"list(A).flatten(int): list(dyn)", flatten},
    Declaration{"list(A).distinct(): list(A)", distinct},
    Declaration{"lists.range(int): list(int)", range},
    Declaration{"list(A).reverse(): list(A)", reverse},
    Declaration{"list(A).sort(): list(A)", sort},
};

}  // namespace

std::span<const Declaration> list_declarations() { return kDeclarations; }

}  // namespace reliant::expr
