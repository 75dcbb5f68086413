#include "model/daemon_selector.h"

#include <array>
#include <utility>
#include <vector>

#include "base/text.h"

namespace reliant::model {
namespace {

using Type = DaemonSelector::Type;

constexpr std::array<std::pair<std::string_view, Type>, 5> kTypes = {{{"local", Type::kLocal},
                                                                      {"cloud", Type::kCloud},
                                                                      {"any", Type::kAny},
                                                                      {"self_hosted", Type::kLocal},
                                                                      {"managed", Type::kCloud}}};

std::optional<Type> type_from(std::string_view word) {
  for (const auto& [known, type] : kTypes)
    if (word == known) return type;
  return std::nullopt;
}

std::string_view to_string(Type type) {
  switch (type) {
    case Type::kAny:
      return "any";
    case Type::kLocal:
      return "local";
    case Type::kCloud:
      return "cloud";
  }
  return "any";
}

// Labels are text; a number or a truth value, as YAML and CEL have them, is compared as it is written.
std::optional<std::string> label_text(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_int64()) return concat(value.get_int64());
  if (value.is_uint64()) return concat(value.get_uint64());
  return std::nullopt;
}

class SelectorReader {
 public:
  explicit SelectorReader(std::string_view path) : path_(path) {}

  Result<std::optional<DaemonSelector>> read(const json::object& fields) {
    DaemonSelector selector;
    for (const auto& field : fields) {
      const std::string_view key(field.key());
      if (field.value().is_null()) {
        TRY_OK(check_known(key));
      } else if (key == "labels") {
        TRY_OK(read_labels(field.value(), selector.labels));
      } else {
        TRY_OK(read_text(key, field.value(), selector));
      }
    }
    if (selector == DaemonSelector{}) return std::optional<DaemonSelector>();
    return std::optional(std::move(selector));
  }

 private:
  std::string field(std::string_view key) const { return concat(path_, ".", key); }

  Status check_known(std::string_view key) const {
    for (const std::string_view known : {"id", "name", "type", "labels"})
      if (key == known) return ok_status();
    return invalid_field(field(key),
                         concat("\"", field(key), "\" is no field of a daemon selector; give id, name, type or labels"));
  }

  Status read_text(std::string_view key, const json::value& value, DaemonSelector& selector) const {
    TRY_OK(check_known(key));
    const json::string* given = value.if_string();
    if (given == nullptr) {
      return invalid_field(field(key), concat("\"", field(key), "\" is ", to_json(value), "; give text"));
    }
    const std::string text(*given);
    if (text.empty()) return ok_status();  // C22
    if (key == "name") {
      selector.name = text;
    } else if (key == "id") {
      if (!valid_id(text))
        return invalid_field(field(key), concat("\"", field(key), "\" is \"", text, "\"; an id has letters, digits, - and _"));
      selector.id = DaemonId(text);
    } else {
      selector.type = type_from(text);
      if (!selector.type) {
        return invalid_field(field(key), concat("\"", field(key), "\" is \"", text,
                                                "\"; give local (or self_hosted), cloud (or managed) or any"));
      }
    }
    return ok_status();
  }

  Status read_labels(const json::value& value, std::map<std::string, std::string>& labels) const {
    const json::object* given = value.if_object();
    if (given == nullptr) {
      return invalid_field(field("labels"), concat("\"", field("labels"), "\" is ", to_json(value),
                                                   "; give a map of names and values, such as {gpu: \"yes\"}"));
    }
    for (const auto& label : *given) {
      if (label.value().is_null()) continue;  // C22
      const std::string name = concat(field("labels"), ".", std::string_view(label.key()));
      std::optional<std::string> text = label_text(label.value());
      if (!text)
        return invalid_field(name, concat("\"", name, "\" is ", to_json(label.value()), "; the value of a label is text"));
      labels[std::string(label.key())] = *std::move(text);
    }
    return ok_status();
  }

  std::string_view path_;
};

}  // namespace

std::string_view to_string(DaemonType type) { return type == DaemonType::kLocal ? "local" : "cloud"; }

std::optional<DaemonSelector> daemon_selector_from_text(std::string_view text) {
  if (text.empty()) return std::nullopt;
  DaemonSelector selector;
  selector.type = type_from(text);
  if (!selector.type) selector.name = std::string(text);
  return selector;
}

Result<std::optional<DaemonSelector>> daemon_selector_from(const json::value& value, std::string_view path) {
  if (value.is_null()) return std::optional<DaemonSelector>();
  if (value.is_string()) return daemon_selector_from_text(std::string_view(value.get_string()));
  if (value.is_object()) return SelectorReader(path).read(value.get_object());
  return invalid_field(path, concat("\"", path, "\" is ", to_json(value),
                                    "; give local, cloud, any, the name of a daemon, or a map of id, name, type and labels"));
}

std::optional<DaemonSelector> daemon_selector_of_chat(const DaemonId& active) {
  if (active.empty()) return std::nullopt;
  DaemonSelector selector;
  selector.type = type_from(active.str());
  if (!selector.type) selector.id = active;
  return selector;
}

std::string to_text(const DaemonSelector& selector) {
  std::vector<std::string> parts;
  if (!selector.id.empty()) parts.push_back(concat("id \"", selector.id.str(), "\""));
  if (!selector.name.empty()) parts.push_back(concat("name \"", selector.name, "\""));
  if (selector.type) parts.push_back(concat("type ", to_string(*selector.type)));
  for (const auto& [name, value] : selector.labels) parts.push_back(concat("label ", name, " \"", value, "\""));
  return join(parts, ", ");
}

json::object to_json_object(const DaemonSelector& selector) {
  json::object out;
  if (!selector.id.empty()) out["id"] = selector.id.str();
  if (!selector.name.empty()) out["name"] = selector.name;
  if (selector.type) out["type"] = to_string(*selector.type);
  if (!selector.labels.empty()) {
    json::object& labels = out["labels"].emplace_object();
    for (const auto& [name, value] : selector.labels) labels[name] = value;
  }
  return out;
}

std::vector<FailedTerm> failed_terms(const DaemonSelector& selector, const DaemonTraits& daemon) {
  std::vector<FailedTerm> failed;
  if (!selector.id.empty() && selector.id != daemon.id) failed.push_back({"id", selector.id.str(), daemon.id.str()});
  if (!selector.name.empty() && selector.name != daemon.name) failed.push_back({"name", selector.name, daemon.name});
  const Type type = daemon.type == DaemonType::kLocal ? Type::kLocal : Type::kCloud;
  if (selector.type && *selector.type != Type::kAny && *selector.type != type) {
    failed.push_back({"type", std::string(to_string(*selector.type)), std::string(to_string(daemon.type))});
  }
  for (const auto& [name, value] : selector.labels) {
    const auto found = daemon.labels.find(name);
    const bool has = found != daemon.labels.end();
    if (!has || found->second != value) {
      failed.push_back({concat("labels.", name), value, has ? std::optional(found->second) : std::nullopt});
    }
  }
  return failed;
}

}  // namespace reliant::model
