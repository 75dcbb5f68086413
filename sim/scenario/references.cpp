#include "scenario/references.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/command_line.h"
#include "base/text.h"
#include "kernel/trace_schema.h"

namespace reliant::sim {
namespace {

constexpr std::size_t kMostListed = 16;

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known) {
  const std::string meant = nearest(word, known);
  return meant.empty() ? std::string() : concat("; did you mean \"", meant, "\"?");
}

// The records with the longest common prefix, in words.
std::string records_like(std::string_view name) {
  for (std::size_t end = name.rfind('.'); end != std::string_view::npos; end = name.substr(0, end).rfind('.')) {
    std::vector<std::string> known;
    for (const RecordSchema& record : record_schemas())
      if (record.name.starts_with(name.substr(0, end + 1))) known.emplace_back(record.name);
    if (known.size() > kMostListed) break;
    if (!known.empty()) return concat("; known are ", join(known, ", "));
  }
  return "";
}

std::vector<std::string_view> fields_of(const RecordSchema& record) {
  std::vector<std::string_view> names;
  for (std::string_view rest = record.fields; !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find(", "));
    std::string_view name = one.substr(0, one.find(' '));
    if (name.ends_with('?')) name.remove_suffix(1);
    names.push_back(name);
    rest.remove_prefix(std::min(one.size() + 2, rest.size()));
  }
  return names;
}

std::string listed(const std::vector<std::string_view>& words) {
  return join(std::vector<std::string>(words.begin(), words.end()), ", ");
}

// Nodes of one role: "gateway-1", "gateway-2", ….
struct Role {
  std::string_view name;
  std::string_view nodes;  // what their names begin with; "" = one node, named as the role
  std::int64_t least = 1;  // in each run
  std::int64_t most = 1;
};

std::vector<Role> roles_of(const Topology& of) {
  if (of.monolith()) return {{"monolith", "", 1, 1}};
  const std::int64_t managed_least = of.cloud_daemons.low + of.suspended_daemons.low;
  const std::int64_t managed_most = of.cloud_daemons.high + of.suspended_daemons.high;
  const std::int64_t hostile_least = of.silent_streams.low + of.floods.low;
  const std::int64_t hostile_most = of.silent_streams.high + of.floods.high;
  std::vector<Role> roles = {
      {"database", "", 1, 1},
      {"bus", "", 1, 1},
      {"temporal", "", 1, 1},
      {"api", "api-", of.api.low, of.api.high},
      {"worker", "worker-", of.workers.low, of.workers.high},
      {"gateway", "gateway-", of.gateways.low, of.gateways.high},
      {"daemon", "daemon-", of.daemons.low, of.daemons.high},
      {"twin", "twin-", std::min(of.twins.low, of.daemons.low), std::min(of.twins.high, of.daemons.high)},
      {"control-plane", "", std::min<std::int64_t>(managed_least, 1), std::min<std::int64_t>(managed_most, 1)},
      {"cloud-daemon", "cloud-", managed_least, managed_most},
      {"hostile", "", std::min<std::int64_t>(hostile_least, 1), std::min<std::int64_t>(hostile_most, 1)},
      {"intruder", "intruder-", of.intruders.low, of.intruders.high}};
  std::erase_if(roles, [](const Role& role) { return role.most == 0; });
  return roles;
}

// The number of the role's node with this name, 1 for the role itself; 0: neither.
std::int64_t number_in(const Role& role, std::string_view place) {
  if (place == role.name) return 1;
  if (role.nodes.empty() || !place.starts_with(role.nodes)) return 0;
  place.remove_prefix(role.nodes.size());
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(place.data(), place.data() + place.size(), number);
  const bool whole = error == std::errc() && end == place.data() + place.size();
  return whole && place.front() != '0' && number > 0 ? number : 0;
}

}  // namespace

std::string complaint_about_event(std::string_view event) {
  const std::size_t blank = std::min(event.find(' '), event.size());
  const std::string_view name = event.substr(0, blank);
  const RecordSchema* record = find_record_schema(name);
  if (record == nullptr) {
    std::vector<std::string_view> known;
    for (const RecordSchema& one : record_schemas()) known.push_back(one.name);
    return concat("\"", name, "\" is not a trace record", did_you_mean(name, known), records_like(name),
                  " (`reliant-sim schema trace` describes all)");
  }
  if (blank == event.size()) return "";
  const std::string_view condition = event.substr(blank + 1);
  const std::size_t equals = condition.find('=');
  if (equals == std::string_view::npos)
    return concat("\"", condition, "\" after ", name, " is not a condition; give \"", name, " field=value\"");
  const std::string_view field = condition.substr(0, equals);
  const std::vector<std::string_view> known = fields_of(*record);
  if (std::ranges::find(known, field) != known.end()) return "";
  return concat("\"", name, "\" has no field \"", field, "\"", did_you_mean(field, known), "; known are ", listed(known));
}

std::string complaint_about_place(std::string_view place, Places places, const Topology& topology) {
  std::vector<std::string_view> known = {"any", "there"};
  if (places == Places::kOneOrAll) known.emplace_back("all");
  if (std::ranges::find(known, place) != known.end()) return "";
  std::vector<std::string> nodes;
  for (const Role& role : roles_of(topology)) {
    if (const std::int64_t number = number_in(role, place); number > 0 && number <= role.most) {
      if (number <= role.least) return "";
      return concat("\"", place, "\" is not in every run: this topology has from ", role.least, " to ", role.most, " of ",
                    role.name, "; raise the lower end in \"topology\", or name another place");
    }
    known.push_back(role.name);
    if (!role.nodes.empty()) nodes.push_back(concat(role.nodes, "1", role.most > 1 ? concat("..", role.most) : ""));
  }
  std::string text = concat("\"", place, "\" is not a node or role of this topology", did_you_mean(place, known),
                            "; known are ", listed(known));
  if (!nodes.empty()) text += concat(", and the nodes ", join(nodes, ", "));
  return text;
}

}  // namespace reliant::sim
