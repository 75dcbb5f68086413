#include "expr/sort.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "base/text.h"
#include "expr/function.h"

namespace reliant::expr {

Value sorted_by(const List& elements, const List& keys, Budget& budget) {
  for (const Value& key : keys) {
    if (key.kind() == keys[0].kind() && compare(key, key)) continue;
    return Value::error(concat("invalid_argument: cannot sort by a ", type_name(key), " beside a ", type_name(keys[0]),
                               "; the keys are of one type that has an order"));
  }
  std::uint64_t bytes = 0;
  for (const Value& key : keys)
    bytes += key.is(Kind::kString) ? key.as_string().size() : key.is(Kind::kBytes) ? key.as_bytes().size() : 8;
  if (!budget.spend_bytes(bytes * static_cast<std::uint64_t>(std::bit_width(keys.size())))) return limit_reached();
  std::vector<std::size_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  // A NaN is in no order with the others: all of them stand behind the numbers.
  const auto is_nan = [](const Value& key) { return key.is(Kind::kDouble) && std::isnan(key.as_double()); };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (is_nan(keys[a]) != is_nan(keys[b])) return is_nan(keys[b]);
    const auto result = *compare(keys[a], keys[b]);
    return result < 0 || (!(result > 0) && a < b);
  });
  List out;
  out.reserve(order.size());
  for (const std::size_t at : order) out.push_back(elements[at]);
  return Value::list(std::move(out));
}

}  // namespace reliant::expr
