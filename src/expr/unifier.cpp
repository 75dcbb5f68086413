#include "expr/unifier.h"

#include <algorithm>

#include "base/text.h"

namespace reliant::expr {
namespace {

bool is_dyn(const Type& type) { return type.kind == TypeKind::kDyn; }
bool is_parameter(const Type& type) { return type.kind == TypeKind::kParameter; }

bool takes_null(const Type& type) {
  return type.kind == TypeKind::kNull || type.kind == TypeKind::kTimestamp || type.kind == TypeKind::kDuration ||
         type.kind == TypeKind::kAbstract;
}

// Whether `a` is `b`, or is it with `dyn` in places, or takes null beside its own values.
bool at_least_as_general(const Type& a, const Type& b) {
  if (is_dyn(a) || is_parameter(a)) return true;
  if (is_dyn(b) || is_parameter(b)) return false;
  if (b.kind == TypeKind::kNull) return takes_null(a);
  if (a.kind != b.kind || a.name != b.name) return false;
  if (a.kind == TypeKind::kType) return true;
  return std::equal(a.parameters.begin(), a.parameters.end(), b.parameters.begin(), b.parameters.end(), at_least_as_general);
}

}  // namespace

Type Unifier::fresh() { return {TypeKind::kParameter, concat("_", ++count_), {}}; }

Type Unifier::instance(const Type& type, std::map<std::string, Type>& renamed) {
  if (is_parameter(type)) {
    const auto at = renamed.find(type.name);
    return at != renamed.end() ? at->second : renamed.emplace(type.name, fresh()).first->second;
  }
  Type out{type.kind, type.name, {}};
  for (const Type& parameter : type.parameters) out.parameters.push_back(instance(parameter, renamed));
  return out;
}

bool Unifier::agree(const Type& a, const Type& b) { return agree(std::span(&a, 1), std::span(&b, 1)); }

bool Unifier::agree(std::span<const Type> a, std::span<const Type> b) {
  changes_.clear();
  if (std::equal(a.begin(), a.end(), b.begin(), b.end(), [this](const Type& x, const Type& y) { return fits(x, y); }))
    return true;
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    if (change->second)
      known_[change->first] = *std::move(change->second);
    else
      known_.erase(change->first);
  }
  return false;
}

void Unifier::set(const std::string& parameter, Type type) {
  const auto at = known_.find(parameter);
  changes_.emplace_back(parameter, at == known_.end() ? std::nullopt : std::optional(at->second));
  known_[parameter] = std::move(type);
}

bool Unifier::fits(const Type& a, const Type& b) {
  bool known = false;
  if (is_parameter(b)) {
    if (fits_parameter(a, b, known)) return true;
    if (known) return false;
  }
  if (is_parameter(a)) return fits_parameter(b, a, known);
  if (is_dyn(a) || is_dyn(b)) return true;
  if (a.kind == TypeKind::kNull) return takes_null(b);
  if (b.kind == TypeKind::kNull) return takes_null(a);
  if (a.kind != b.kind || a.name != b.name) return false;
  if (a.kind == TypeKind::kType) return true;
  return std::equal(a.parameters.begin(), a.parameters.end(), b.parameters.begin(), b.parameters.end(),
                    [this](const Type& x, const Type& y) { return fits(x, y); });
}

// Whether `parameter` may stand for `type`. `known`: it stands for something already.
bool Unifier::fits_parameter(const Type& type, const Type& parameter, bool& known) {
  known = true;
  if (type == parameter) return true;
  const auto at = known_.find(parameter.name);
  if (at != known_.end()) {
    const Type held = at->second;
    if (type == held) return true;
    if (!fits(type, held)) return false;
    const Type& general = at_least_as_general(type, held) ? type : held;
    if (!occurs(parameter, general)) set(parameter.name, general);
    return true;
  }
  known = false;
  if (occurs(parameter, type)) return false;
  set(parameter.name, type);
  return true;
}

bool Unifier::occurs(const Type& parameter, const Type& within) const {
  if (is_parameter(within)) {
    if (within.name == parameter.name) return true;
    const auto at = known_.find(within.name);
    return at != known_.end() && occurs(parameter, at->second);
  }
  return std::any_of(within.parameters.begin(), within.parameters.end(),
                     [&](const Type& type) { return occurs(parameter, type); });
}

Type Unifier::replaced(const Type& type, bool rest_is_dyn) const {
  if (is_parameter(type)) {
    const auto at = known_.find(type.name);
    if (at != known_.end()) return replaced(at->second, rest_is_dyn);
    return rest_is_dyn ? Type{} : type;
  }
  Type out{type.kind, type.name, {}};
  for (const Type& parameter : type.parameters) out.parameters.push_back(replaced(parameter, rest_is_dyn));
  return out;
}

Type Unifier::resolved(const Type& type) const { return replaced(type, false); }
Type Unifier::final(const Type& type) const { return replaced(type, true); }

Type Unifier::joined(const Type& a, const Type& b) {
  if (!agree(a, b)) return {};
  return at_least_as_general(a, b) ? a : b;
}

}  // namespace reliant::expr
