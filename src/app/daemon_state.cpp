#include "app/daemon_state.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "store/wall_time.h"

namespace reliant::app {
namespace {

constexpr std::string_view kFile = "daemon.state";

// "": the event does not have it.
std::string text_of(std::initializer_list<Field> fields, std::string_view key) {
  for (const Field& field : fields) {
    const auto* const text = std::get_if<std::string_view>(&field.value);
    if (field.key == key && text != nullptr) return std::string(*text);
  }
  return "";
}

// 0: the event does not have it.
std::int64_t number_of(std::initializer_list<Field> fields, std::string_view key) {
  for (const Field& field : fields) {
    const auto* const number = std::get_if<std::int64_t>(&field.value);
    if (field.key == key && number != nullptr) return *number;
  }
  return 0;
}

}  // namespace

json::object to_object(const DaemonState& state) {
  return {{"pid", state.process},
          {"version", state.version},
          {"daemon_id", state.daemon},
          {"name", state.name},
          {"log", state.log},
          {"grace_seconds", state.grace_seconds},
          {"started_at", state.started_at},
          {"connected", state.connected},
          {"since", state.since},
          {"user_id", state.user},
          {"gateway_id", state.gateway},
          {"gateway", state.address},
          {"problem", state.problem},
          {"ended", state.ended}};
}

std::optional<DaemonState> read_daemon_state(const std::string& directory) {
  std::ifstream in(concat(directory, "/", kFile), std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto parsed = parse_json(text);
  if (!parsed.ok()) return std::nullopt;
  JsonReader reader(*parsed);
  DaemonState out;
  out.process = static_cast<int>(reader.required_int("pid"));
  out.version = reader.required_string("version");
  out.daemon = reader.required_string("daemon_id");
  out.name = reader.required_string("name");
  out.log = reader.required_string("log");
  out.grace_seconds = reader.required_int("grace_seconds");
  out.started_at = reader.required_string("started_at");
  out.connected = reader.optional_bool("connected", false);
  out.since = reader.required_string("since");
  out.user = reader.optional_string("user_id").value_or("");
  out.gateway = reader.optional_string("gateway_id").value_or("");
  out.address = reader.optional_string("gateway").value_or("");
  out.problem = reader.optional_string("problem").value_or("");
  out.ended = reader.optional_bool("ended", false);
  if (!reader.finish_ignoring_unknown().ok()) return std::nullopt;
  return out;
}

DaemonStateKeeper::DaemonStateKeeper(EventLog& log, const Clock& clock, const DataDirectory& directory, DaemonState state)
    : log_(log), clock_(clock), directory_(directory), state_(std::move(state)) {
  state_.started_at = state_.since = store::rfc3339(clock_.wall_now());
  write();
}

void DaemonStateKeeper::record(Level level, std::string_view name, std::initializer_list<Field> fields) {
  if (learn(name, fields)) write();  // first: a reader that has seen the event finds the state
  log_.record(level, name, fields);
  if (state_.connected) connected_once_.set();
}

// False: nothing new.
bool DaemonStateKeeper::learn(std::string_view name, std::initializer_list<Field> fields) {
  std::string problem;
  if (name == "daemon.connected") {
    state_.user = text_of(fields, "user");
    state_.gateway = text_of(fields, "gateway");
    state_.address = text_of(fields, "address");
    state_.connected = true;
    epoch_ = number_of(fields, "epoch");
    state_.since = store::rfc3339(clock_.wall_now());
    state_.problem.clear();
    return true;
  }
  if (name == "daemon.disconnected") {
    // A drained stream ends after the next one has begun.
    if (number_of(fields, "epoch") < epoch_) return false;
    problem = text_of(fields, "why");
    state_.connected = false;
    state_.since = store::rfc3339(clock_.wall_now());
  } else if (name == "daemon.connect.failed" || name == "daemon.refused" || name == "daemon.registration.failed" ||
             name == "daemon.credentials.unreadable" || name == "daemon.credentials.not_retired") {
    problem = text_of(fields, "error");
  } else {
    return false;
  }
  return std::exchange(state_.problem, problem) != problem || name == "daemon.disconnected";
}

void DaemonStateKeeper::ended(const Status& why) {
  state_.connected = false;
  state_.ended = true;
  state_.since = store::rfc3339(clock_.wall_now());
  state_.problem = message_of(why);
  write();
}

void DaemonStateKeeper::write() { directory_.write_private(kFile, to_json(to_object(state_)) + "\n").IgnoreError(); }

}  // namespace reliant::app
