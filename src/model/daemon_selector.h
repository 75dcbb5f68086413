// DaemonSelector: which daemon a node, a workflow or a chat asks for (R96, R97). Text is one of the words "local", "cloud" and "any", or
// their aliases "self_hosted" and "managed" (C25), or else a name. A map gives id, name, type and labels. All given fields must match;
// of the labels, the daemon may have more. Null, empty text and a map without a value ask for nothing: the selector is unset (C22).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/json.h"
#include "base/status.h"

namespace reliant::model {

enum class DaemonType : std::uint8_t { kLocal, kCloud };
std::string_view to_string(DaemonType type);  // "local", "cloud"

struct DaemonSelector {
  enum class Type : std::uint8_t { kAny, kLocal, kCloud };

  DaemonId id;  // empty: any, as with the others
  std::string name;
  std::optional<Type> type;  // kAny matches all and, unlike nullopt, is a choice: what was chosen elsewhere does not count
  std::map<std::string, std::string> labels;

  bool operator==(const DaemonSelector&) const = default;
};

// The shorthand (R96); "" is unset.
std::optional<DaemonSelector> daemon_selector_from_text(std::string_view text);
// What a template gave, or the value in a file: null, text (the shorthand) or an object (R97, R98). INVALID_ARGUMENT names the field,
// below `path`, and the remedy.
Result<std::optional<DaemonSelector>> daemon_selector_from(const json::value& value, std::string_view path = "daemon");
// Of a chat's active daemon: the id of one, or a word of a type. Empty: unset (R91).
std::optional<DaemonSelector> daemon_selector_of_chat(const DaemonId& active);

// For messages: `type local, label gpu "yes"`.
std::string to_text(const DaemonSelector& selector);
json::object to_json_object(const DaemonSelector& selector);  // as daemon_selector_from reads it

// A part of a selector that a daemon does not have.
struct FailedTerm {
  std::string term;  // "id", "name", "type", "labels.gpu"
  std::string wanted;
  std::optional<std::string> found;  // nullopt: it has no such label

  bool operator==(const FailedTerm&) const = default;
};

struct DaemonTraits {
  DaemonId id;
  std::string name;
  DaemonType type = DaemonType::kLocal;
  std::map<std::string, std::string> labels;
};

// Empty: the daemon matches. In the order id, name, type, labels.
std::vector<FailedTerm> failed_terms(const DaemonSelector& selector, const DaemonTraits& daemon);

}  // namespace reliant::model
