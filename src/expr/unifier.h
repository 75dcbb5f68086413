// What the parameters of types stand for, as the checker finds out: `[]` is a list(T), and T becomes int beside `[1]`. The rules are
// those of CEL's own checkers: `dyn` fits everything, the more general of two types wins, null fits timestamps, durations and
// abstract types.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "expr/type.h"

namespace reliant::expr {

class Unifier {
 public:
  // A parameter that stands for nothing yet.
  Type fresh();
  // `type` with a fresh parameter for each of its own; `renamed` keeps them together over several types of one signature.
  Type instance(const Type& type, std::map<std::string, Type>& renamed);

  // Whether the types agree; if they do, what that says of their parameters is kept.
  bool agree(const Type& a, const Type& b);
  bool agree(std::span<const Type> a, std::span<const Type> b);

  // With what is known of the parameters in their place.
  Type resolved(const Type& type) const;
  // … and `dyn` for the others.
  Type final(const Type& type) const;

  // The type of a list's elements, one of which has the type `a` and the next one `b`.
  Type joined(const Type& a, const Type& b);

 private:
  bool fits(const Type& a, const Type& b);
  bool fits_parameter(const Type& type, const Type& parameter, bool& known);
  bool occurs(const Type& parameter, const Type& within) const;
  Type replaced(const Type& type, bool rest_is_dyn) const;

  void set(const std::string& parameter, Type type);

  std::map<std::string, Type> known_;
  std::vector<std::pair<std::string, std::optional<Type>>> changes_;  // of the last agree(), to be undone
  int count_ = 0;
};

}  // namespace reliant::expr
