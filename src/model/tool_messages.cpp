#include "model/tool_messages.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"

namespace reliant::model {
namespace {

constexpr std::string_view kCommandWords[] = {"cancel", "online", "kill_process", "reload_config"};
constexpr std::string_view kAcceptedWord = "accepted";

std::string_view word_of(const DaemonCommand& command) {
  return command.kind == DaemonCommandKind::kUnknown ? std::string_view(command.word)
                                                     : kCommandWords[static_cast<std::size_t>(command.kind)];
}

json::string text(std::string_view word) { return json::string(word.data(), word.size()); }

// Tool output is bytes; JSON carries text. Bytes that are not UTF-8 travel as code points 0 to 255 of their own field.
constexpr std::string_view kBytesKey = "bytes";
constexpr std::string_view kTextKey = "text";

void put_bytes(json::object& object, std::string_view bytes) {
  if (is_valid_utf8(bytes)) {
    object[json::string_view(kTextKey.data(), kTextKey.size())] = text(bytes);
    return;
  }
  json::string wide;
  for (char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      wide.push_back(c);
    } else {
      wide.push_back(static_cast<char>(0xc0 | (byte >> 6)));
      wide.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
    }
  }
  object[json::string_view(kBytesKey.data(), kBytesKey.size())] = std::move(wide);
}

std::string take_bytes(JsonReader& reader) {
  auto plain = reader.optional_string(kTextKey);
  auto wide = reader.optional_string(kBytesKey);
  if (plain) return *std::move(plain);
  std::string bytes;
  if (!wide) return bytes;
  for (std::size_t i = 0; i < wide->size(); ++i) {
    const auto lead = static_cast<unsigned char>((*wide)[i]);
    if (lead < 0x80 || i + 1 == wide->size()) {
      bytes.push_back(static_cast<char>(lead));
    } else {
      const auto low = static_cast<unsigned char>((*wide)[++i]);
      bytes.push_back(static_cast<char>(((lead & 3) << 6) | (low & 0x3f)));
    }
  }
  return bytes;
}

json::object status_object(const Status& status) {
  return {{"code", text(code_name(status.code()))}, {"message", text(message_of(status))}, {"reason", reason_of(status)}};
}

Status take_status(JsonReader& reader) {
  const std::string code = reader.required_string("code");
  const std::string message = reader.required_string("message");
  const std::string reason = reader.optional_string("reason").value_or("");
  if (code == "OK") return ok_status();
  Status status = make_status(code_from_name(code), message);
  return reason.empty() ? status : with_reason(std::move(status), reason);
}

// Of something that may come in pieces. What comes in one says nothing of it.
void put_place(json::object& object, std::uint64_t at) {
  if (at > 0) object["at"] = at;
}
std::uint64_t take_place(JsonReader& reader) { return reader.optional_count("at").value_or(0); }

struct ReplyEncoder {
  json::object operator()(const ToolAccepted&) const { return {{"type", "accepted"}}; }
  json::object operator()(const ToolAlive&) const { return {{"type", "alive"}}; }
  json::object operator()(const ToolOutputChunk& m) const {
    json::object object{{"type", "output"}, {"chunk", m.chunk}, {"gap", m.gap}};
    if (m.more) object["more"] = true;
    put_place(object, m.at);
    put_bytes(object, m.data);
    return object;
  }
  json::object operator()(const ToolResultPart& m) const {
    json::object object{{"type", "part"}};
    put_place(object, m.at);
    put_bytes(object, m.data);
    return object;
  }
  json::object operator()(const ToolDone& m) const {
    json::object object{{"type", "result"},
                        {"outcome", text(to_string(m.result.outcome))},
                        {"is_error", m.result.is_error},
                        {"exit_code", m.result.exit_code},
                        {"output_chunks", m.result.output_chunks}};
    put_place(object, m.at);
    put_bytes(object, m.result.content);
    return object;
  }
  json::object operator()(const ToolRefused& m) const {
    json::object object = status_object(m.status);
    object["type"] = "error";
    return object;
  }
};

Result<ToolReply> finish(JsonReader& reader, ToolReply reply) {
  TRY_OK(reader.finish_ignoring_unknown());
  return reply;
}

}  // namespace

std::string encode(const ToolExecutionRequest& message) {
  const ToolRequest& r = message.request;
  return to_json(json::object{{"request_id", r.id.str()},
                              {"user", r.user.str()},
                              {"daemon", r.daemon.str()},
                              {"chat", r.chat.str()},
                              {"call", r.call.str()},
                              {"tool", r.tool},
                              {"arguments", r.arguments},
                              {"working_directory", r.working_directory},
                              {"effect", text(to_string(r.effect))},
                              {"timeout_ms", r.timeout_ms},
                              {"deadline_ms", message.deadline_ms},
                              {"resume_output_after", message.resume_output_after}});
}

Result<ToolExecutionRequest> decode_tool_request(std::string_view bytes) {
  TRY_ASSIGN(const json::value value, parse_json(bytes));
  JsonReader reader(value);
  ToolExecutionRequest message;
  ToolRequest& r = message.request;
  r.id = RequestId(reader.required_string("request_id"));
  r.user = UserId(reader.required_string("user"));
  r.daemon = DaemonId(reader.required_string("daemon"));
  r.chat = ChatId(reader.required_string("chat"));
  r.call = ToolCallId(reader.required_string("call"));
  r.tool = reader.required_string("tool");
  r.arguments = reader.required_string("arguments");
  r.working_directory = reader.required_string("working_directory");
  r.effect = effect_from(reader.required_string("effect"));
  r.timeout_ms = reader.required_int("timeout_ms");
  message.deadline_ms = reader.required_int("deadline_ms");
  message.resume_output_after = reader.required_count("resume_output_after");
  TRY_OK(reader.finish_ignoring_unknown());
  if (!valid_id(r.id.str())) return invalid_field("request_id", "request_id must be letters, digits, _ and -");
  return message;
}

std::string encode(const ToolReply& message) { return to_json(std::visit(ReplyEncoder{}, message)); }

Result<ToolReply> decode_tool_reply(std::string_view bytes) {
  TRY_ASSIGN(const json::value value, parse_json(bytes));
  JsonReader reader(value);
  const std::string type = reader.required_string("type");
  if (type == "accepted") return finish(reader, ToolAccepted{});
  if (type == "alive") return finish(reader, ToolAlive{});
  if (type == "output") {
    ToolOutputChunk chunk;
    chunk.chunk = reader.required_count("chunk");
    chunk.gap = reader.optional_bool("gap", false);
    chunk.more = reader.optional_bool("more", false);
    chunk.at = take_place(reader);
    chunk.data = take_bytes(reader);
    return finish(reader, std::move(chunk));
  }
  if (type == "part") {
    ToolResultPart part;
    part.at = take_place(reader);
    part.data = take_bytes(reader);
    return finish(reader, std::move(part));
  }
  if (type == "result") {
    ToolDone done;
    done.result.outcome = outcome_from(reader.required_string("outcome"));
    done.result.is_error = reader.optional_bool("is_error", false);
    done.result.exit_code = reader.optional_int("exit_code").value_or(0);
    done.result.output_chunks = reader.optional_count("output_chunks").value_or(0);
    done.at = take_place(reader);
    done.result.content = take_bytes(reader);
    return finish(reader, std::move(done));
  }
  if (type == "error") return finish(reader, ToolRefused{take_status(reader)});
  return invalid_field("type", concat("reply type \"", type, "\" is unknown"));
}

int hops_of(const Headers& headers) {
  const auto found = headers.find(std::string(kHopsHeader));
  if (found == headers.end()) return 0;
  int hops = kMaxHops;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), hops);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && hops >= 0 ? hops : kMaxHops;
}

std::string attempt_of(const Headers& headers) {
  const auto found = headers.find(std::string(kAttemptHeader));
  return found == headers.end() ? std::string() : found->second;
}

std::string encode(const DaemonCommand& message) {
  return to_json(json::object{{"command", text(word_of(message))},
                              {"user", message.user.str()},
                              {"daemon", message.daemon.str()},
                              {"request_id", message.request.str()}});
}

Result<DaemonCommand> decode_daemon_command(std::string_view bytes) {
  TRY_ASSIGN(const json::value value, parse_json(bytes));
  JsonReader reader(value);
  DaemonCommand message;
  const std::string command = reader.required_string("command");
  message.user = UserId(reader.required_string("user"));
  message.daemon = DaemonId(reader.required_string("daemon"));
  message.request = RequestId(reader.optional_string("request_id").value_or(""));
  TRY_OK(reader.finish_ignoring_unknown());
  const auto* const known = std::ranges::find(kCommandWords, command);
  if (known == std::end(kCommandWords)) message.word = command;
  message.kind = static_cast<DaemonCommandKind>(std::distance(std::begin(kCommandWords), known));
  return message;
}

Status unknown_command(const DaemonCommand& command) {
  const std::vector<std::string> known(std::begin(kCommandWords), std::end(kCommandWords));
  return invalid_field("command", concat("command \"", command.word, "\" is not known to this gateway; it knows ",
                                         join(known, ", "), ": upgrade it, or use one of these"));
}

std::string encode_command_accepted() { return to_json(json::object{{"type", text(kAcceptedWord)}}); }

bool is_command_accepted(std::string_view bytes) {
  const auto value = parse_json(bytes);
  if (!value.ok()) return false;
  JsonReader reader(*value);
  return reader.optional_string("type").value_or("") == kAcceptedWord && reader.finish_ignoring_unknown().ok();
}

std::string encode(const std::vector<HeldDaemon>& held) {
  json::array daemons;
  for (const HeldDaemon& daemon : held) {
    daemons.push_back(json::object{{"daemon", daemon.daemon.str()},
                                   {"epoch", daemon.epoch},
                                   {"gateway", daemon.gateway.str()},
                                   {"connection", text(to_string(daemon.connection))}});
  }
  return to_json(json::object{{"daemons", std::move(daemons)}});
}

Result<std::vector<HeldDaemon>> decode_held_daemons(std::string_view bytes) {
  TRY_ASSIGN(const json::value value, parse_json(bytes));
  JsonReader reader(value);
  const json::value* list = reader.optional_value("daemons");
  TRY_OK(reader.finish_ignoring_unknown());
  if (list == nullptr || !list->is_array()) return invalid_field("daemons", "field \"daemons\" must be a list");
  std::vector<HeldDaemon> held;
  for (const json::value& entry : list->get_array()) {
    JsonReader one(entry, "daemons");
    HeldDaemon& daemon = held.emplace_back();
    daemon.daemon = DaemonId(one.required_string("daemon"));
    daemon.epoch = one.required_int("epoch");
    daemon.gateway = GatewayId(one.required_string("gateway"));
    daemon.connection = daemon_connection_from(one.required_string("connection"));
    TRY_OK(one.finish_ignoring_unknown());
  }
  return held;
}

std::string encode_held_question(const UserId& user) { return to_json(json::object{{"user", user.str()}}); }

Result<UserId> decode_held_question(std::string_view bytes) {
  TRY_ASSIGN(const json::value value, parse_json(bytes));
  JsonReader reader(value);
  UserId user(reader.optional_string("user").value_or(""));
  TRY_OK(reader.finish_ignoring_unknown());
  return user;
}

std::string encode(const DaemonAccepted& notice) {
  return to_json(json::object{{"user", notice.user.str()},
                              {"daemon", notice.daemon.str()},
                              {"epoch", notice.epoch},
                              {"gateway", notice.gateway.str()}});
}

Result<DaemonAccepted> decode_daemon_accepted(std::string_view bytes) {
  TRY_ASSIGN(const json::value value, parse_json(bytes));
  JsonReader reader(value);
  DaemonAccepted notice;
  notice.user = UserId(reader.required_string("user"));
  notice.daemon = DaemonId(reader.required_string("daemon"));
  notice.epoch = reader.required_int("epoch");
  notice.gateway = GatewayId(reader.required_string("gateway"));
  TRY_OK(reader.finish_ignoring_unknown());
  return notice;
}

std::string encode_command_reply(const Status& status) { return to_json(status_object(status)); }

Status decode_command_reply(std::string_view bytes) {
  auto value = parse_json(bytes);
  if (!value.ok()) return unavailable("the gateway's reply cannot be read: ", message_of(value.status()));
  JsonReader reader(*value);
  Status status = take_status(reader);
  if (const Status& read = reader.finish_ignoring_unknown(); !read.ok())
    return unavailable("the gateway's reply cannot be read: ", message_of(read));
  return status;
}

}  // namespace reliant::model
