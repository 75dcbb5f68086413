#include "gateway/stream_limits.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/ids.h"
#include "base/text.h"
#include "model/daemon_kind.h"

namespace reliant::gateway {
namespace {

constexpr std::size_t kNote = 256;  // bytes of the note in a result that was cut

Status too_long(std::string_view field, std::size_t bytes, std::size_t most) {
  return invalid_field(concat("register.", field), concat(field, " has ", bytes, " bytes; at most ", most, " are allowed"));
}

Status too_many(std::string_view field, std::size_t count, std::size_t most) {
  return invalid_field(concat("register.", field), concat("there are ", count, " ", field, "; at most ", most, " are allowed"));
}

// C21: a daemon with such a name could not be asked for by it.
Status check_name(const std::string& name, KindsAsIds kinds) {
  if (name.size() > kMaxName) return too_long("name", name.size(), kMaxName);
  if (kinds == KindsAsIds::kAllowed || !model::is_daemon_kind(name)) return ok_status();
  return invalid_field("register.name", concat("name is \"", name,
                                               "\", which asks for daemons of a type; start the daemon with "
                                               "another one: --name NAME"));
}

Status check_id(const std::string& id, KindsAsIds kinds) {
  if (!valid_id(id)) return invalid_field("register.daemon_id", "daemon_id must be 1 to 128 letters, digits, _ and -");
  if (kinds == KindsAsIds::kAllowed || !model::is_daemon_kind(id)) return ok_status();
  return invalid_field(
      "register.daemon_id",
      concat("daemon_id is \"", id, "\", which names a kind of daemon; choose another id, such as the host's name"));
}

Status check_labels(const proto::Register& registration) {
  if (registration.labels().size() > kMaxLabels) return too_many("labels", registration.labels().size(), kMaxLabels);
  for (const auto& [key, value] : registration.labels()) {
    const std::size_t larger = std::max(key.size(), value.size());
    if (larger > kMaxLabel) return too_long("labels", larger, kMaxLabel);
  }
  return ok_status();
}

Status check_tools(const proto::Register& registration) {
  const auto count = static_cast<std::size_t>(registration.tools().size());
  if (count > kMaxTools) return too_many("tools", count, kMaxTools);
  for (const std::string& tool : registration.tools())
    if (tool.size() > kMaxToolName) return too_long("tools", tool.size(), kMaxToolName);
  return ok_status();
}

}  // namespace

Status check_registration(const proto::Register& registration, KindsAsIds kinds) {
  TRY_OK(check_id(registration.daemon_id(), kinds));
  TRY_OK(check_name(registration.name(), kinds));
  if (registration.version().size() > kMaxName) return too_long("version", registration.version().size(), kMaxName);
  if (registration.journal_id().size() > kMaxName) return too_long("journal_id", registration.journal_id().size(), kMaxName);
  TRY_OK(check_labels(registration));
  return check_tools(registration);
}

Status check_message_size(std::size_t bytes) {
  if (bytes <= kMaxMessage) return ok_status();
  return resource_exhausted("a message of the stream has ", bytes, " bytes; at most ", kMaxMessage,
                            " are allowed: send larger content as chunks of output");
}

Status check_chunk(const proto::ToolOutput& output) {
  if (output.data().size() <= kMaxChunk) return ok_status();
  return resource_exhausted("a chunk of output has ", output.data().size(), " bytes; at most ", kMaxChunk,
                            " are allowed: send it as several chunks");
}

void bound_content(proto::ToolFinished& finished) {
  const std::size_t size = finished.content().size();
  if (size <= kMaxContent) return;
  const std::string kept = beginning_of(finished.content(), kMaxContent - kNote);
  finished.set_is_error(true);
  finished.set_content(concat(kept, "\n[... ", size - kept.size(), " bytes left out: the result of a tool has at most ",
                              kMaxContent, " bytes ...]\n"));
}

std::string beginning_of(const std::string& text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  while (end > 0 && limit - end < 3 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace reliant::gateway
