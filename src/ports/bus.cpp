#include "ports/bus.h"

#include "model/subject.h"

namespace reliant::ports {
namespace {

bool header_name(std::string_view name) {
  for (const char c : name) {
    if (c <= ' ' || c >= '\x7f' || c == ':') return false;
  }
  return !name.empty();
}

bool one_line(std::string_view value) { return value.find_first_of("\r\n") == std::string_view::npos; }

}  // namespace

Status check_publish(const BusMessage& message, std::size_t max_payload) {
  TRY_OK(model::check_subject(message.subject));
  if (!message.reply_to.empty()) TRY_OK(model::check_subject(message.reply_to, "reply_to"));
  for (const auto& [name, value] : message.headers) {
    if (header_name(name) && one_line(value)) continue;
    return invalid_field("headers", concat("`", name, "` has a character that a header cannot carry: no line breaks ",
                                           "anywhere, no white space and no colon in a name"));
  }
  if (const std::size_t size = wire_size(message); size > max_payload) {
    return invalid_field("payload",
                         concat(size, " bytes are more than the bus takes (", max_payload, "): send less, or in parts"));
  }
  return ok_status();
}

Status check_subscribe(const SubscribeOptions& options) {
  TRY_OK(model::check_pattern(options.subject));
  if (!options.queue_group.empty() && !model::valid_token(options.queue_group)) {
    return invalid_field("queue_group", concat("`", options.queue_group, "` is not one plain token"));
  }
  if (options.max_pending == 0) return invalid_field("max_pending", "0 would drop every message: use 1 or more");
  return ok_status();
}

BusMessage no_responders_message(std::string inbox) {
  BusMessage message;
  message.subject = std::move(inbox);
  message.headers.emplace("Status", "503");
  return message;
}

Status no_responders_error(std::string_view subject) {
  return with_reason(unavailable("no subscriber on ", subject), kReasonNoResponders);
}

std::size_t wire_size(const BusMessage& message) {
  std::size_t size = message.payload.size();
  for (const auto& [name, value] : message.headers) size += name.size() + value.size() + 4;  // ": " and CRLF
  return size;
}

}  // namespace reliant::ports
