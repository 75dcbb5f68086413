#include "app/daemon_explanation.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "app/chat_view.h"
#include "base/text.h"

namespace reliant::app {
namespace {

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(json::string_view(key.data(), key.size()));
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  std::string out = text == nullptr ? "" : printable(std::string_view(text->data(), text->size()));
  std::ranges::replace(out, '\n', ' ');
  return out;
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

struct Candidate {
  std::string id;
  std::string name;
  std::string type;
  std::string status;
  std::string why;
  std::string remedy;
  bool chosen = false;
};

std::vector<Candidate> candidates_of(const json::object& answer) {
  std::vector<Candidate> out;
  const json::value* list = answer.if_contains("candidates");
  if (list == nullptr || !list->is_array()) return out;
  for (const json::value& item : list->get_array()) {
    const json::object* each = item.if_object();
    if (each == nullptr) continue;
    const json::value* chosen = each->if_contains("chosen");
    out.push_back({text_at(*each, "id"), text_at(*each, "name"), text_at(*each, "type"), text_at(*each, "status"),
                   text_at(*each, "why"), text_at(*each, "remedy"),
                   chosen != nullptr && chosen->is_bool() && chosen->get_bool()});
  }
  return out;
}

std::string headline(const json::object& answer) {
  const std::string daemon = text_at(answer, "daemon_id");
  const std::string problem = text_at(answer, "problem");
  if (daemon.empty()) return concat("No daemon would run the chat's next tool call: ", problem);
  if (problem.empty()) return concat("Daemon ", daemon, " would run the chat's next tool call.");
  return concat("Daemon ", daemon, " is to run the chat's next tool call, but not now: ", problem);
}

std::string decided_by(const json::object& answer) {
  const std::string step = text_at(answer, "step");
  const json::value* selector = answer.if_contains("selector");
  if (selector == nullptr || !selector->is_object()) return "Decided by default: no node, workflow or chat asks for a daemon.";
  const std::string owner = step == "session" ? "the chat's active daemon" : concat("the ", step, "'s selector");
  return concat("Decided by ", owner, ": ", printable(to_json(selector->get_object())));
}

}  // namespace

std::string daemon_explanation(const json::object& answer) {
  std::string out = concat(headline(answer), "\n", decided_by(answer), "\n");
  const std::vector<Candidate> candidates = candidates_of(answer);
  std::size_t id = 0;
  std::size_t status = 0;
  for (const Candidate& each : candidates) {
    id = std::max(id, each.id.size());
    status = std::max(status, each.status.size());
  }
  for (const Candidate& each : candidates) {
    append(out, concat("\n", each.chosen ? "* " : "  ", padded(each.id, id), "  ", padded(each.type, 5), "  ",
                       padded(each.status, status)));
    if (each.name != each.id && !each.name.empty()) append(out, concat("  \"", each.name, "\""));
    append(out, concat("\n    ", each.why, "\n"));
    if (!each.remedy.empty()) append(out, concat("    to have it chosen: ", each.remedy, "\n"));
  }
  return out;
}

}  // namespace reliant::app
