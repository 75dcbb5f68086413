#include "expr/names.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace reliant::expr {
namespace {

class Resolver {
 public:
  Resolver(std::string_view container, const Functions& functions) : container_(container), functions_(functions) {}

  void resolve(Node& node) {
    if (node.kind == NodeKind::kCall) resolve_call(node);
    if (node.target) resolve(*node.target);
    const std::size_t before = locals_.size();
    locals_.insert(locals_.end(), node.names.begin(), node.names.end());
    if (node.kind != NodeKind::kMacro) locals_.resize(before);
    for (const NodePtr& argument : node.arguments) resolve(*argument);
    locals_.resize(before);
  }

 private:
  void resolve_call(Node& node) {
    if (!node.target) return find(node, node.name, node.absolute);
    const std::string& front = node.target->qualified_name;
    const bool hidden = !node.target->absolute && std::find(locals_.begin(), locals_.end(), root_of(front)) != locals_.end();
    if (!front.empty() && !hidden) {
      find(node, concat(front, ".", node.name), node.target->absolute);
      if (node.overloads != nullptr) {
        node.target = nullptr;
        return;
      }
    }
    node.overloads = functions_.find(node.name);
  }

  void find(Node& node, std::string_view name, bool absolute) const {
    for (std::string& candidate : candidates(container_, name, absolute)) {
      node.overloads = functions_.find(candidate);
      if (node.overloads == nullptr) continue;
      node.name = std::move(candidate);
      return;
    }
  }

  std::string_view container_;
  const Functions& functions_;
  std::vector<std::string_view> locals_;
};

}  // namespace

std::vector<std::string> candidates(std::string_view container, std::string_view name, bool absolute) {
  std::vector<std::string> out;
  while (!absolute && !container.empty()) {
    out.push_back(concat(container, ".", name));
    const std::size_t dot = container.rfind('.');
    container = container.substr(0, dot == std::string_view::npos ? 0 : dot);
  }
  out.emplace_back(name);
  return out;
}

std::string_view root_of(std::string_view qualified_name) { return qualified_name.substr(0, qualified_name.find('.')); }

void resolve(Node& node, std::string_view container, const Functions& functions) {
  Resolver(container, functions).resolve(node);
}

const Value* type_named(std::string_view name) {
  static const std::map<std::string_view, Value> types = [] {
    std::map<std::string_view, Value> out;
    for (const std::string_view type : {"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint",
                                        "optional_type", "google.protobuf.Timestamp", "google.protobuf.Duration"})
      out.emplace(type, Value::type(std::string(type)));
    return out;
  }();
  const auto at = types.find(name);
  return at == types.end() ? nullptr : &at->second;
}

}  // namespace reliant::expr
