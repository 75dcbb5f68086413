// What is sent over the bus is what arrives, whatever bytes a tool prints; and no bytes from outside break the reader.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/text.h"
#include "model/tool_messages.h"

namespace reliant::model {
namespace {

template <class T>
T round_trip(const T& message) {
  auto decoded = decode_tool_reply(encode(ToolReply(message)));
  RC_ASSERT(decoded.ok());
  RC_ASSERT(std::holds_alternative<T>(*decoded));
  return std::get<T>(*decoded);
}

RC_GTEST_PROP(ToolMessages, AnyBytesOfOutputComeBack,
              (std::string data, std::uint32_t chunk, bool gap, bool more, std::uint32_t at)) {
  const auto back = round_trip(ToolOutputChunk{chunk, data, gap, more, at});
  RC_ASSERT(back.data == data);
  RC_ASSERT(back.chunk == chunk);
  RC_ASSERT(back.gap == gap);
  RC_ASSERT(back.more == more);
  RC_ASSERT(back.at == at);
}

RC_GTEST_PROP(ToolMessages, RawBytesOfOutputComeBack, (std::vector<std::uint8_t> bytes, std::uint32_t at)) {
  const std::string data(bytes.begin(), bytes.end());
  const auto back = round_trip(ToolResultPart{data, at});
  RC_ASSERT(back.data == data);
  RC_ASSERT(back.at == at);
}

RC_GTEST_PROP(ToolMessages, ResultsComeBack, (std::string content, bool is_error, std::int32_t exit_code, std::uint32_t at)) {
  ToolDone done;
  done.at = at;
  done.result = {Outcome::kUnknown, is_error, content, exit_code, 7};
  const auto back = round_trip(done);
  RC_ASSERT(back.result == done.result);
  RC_ASSERT(back.at == at);
}

RC_GTEST_PROP(ToolMessages, RequestsComeBack, (std::string arguments, std::uint64_t resume)) {
  ToolExecutionRequest message;
  message.request.id = RequestId("req_1");
  message.request.user = UserId("u");
  message.request.daemon = DaemonId("d");
  message.request.chat = ChatId("c");
  message.request.call = ToolCallId("call with spaces \" and quotes");
  message.request.tool = "bash";
  for (char& c : arguments) c = static_cast<char>(c & 0x7f);
  message.request.arguments = arguments;
  message.request.effect = Effect::kReadOnly;
  message.deadline_ms = 5;
  message.resume_output_after = resume >> 1;
  const auto back = decode_tool_request(encode(message));
  RC_ASSERT(back.ok());
  RC_ASSERT(back->request == message.request);
  RC_ASSERT(back->resume_output_after == message.resume_output_after);
}

RC_GTEST_PROP(ToolMessages, StatusesComeBackWithTheirReason, (std::string text)) {
  for (char& c : text) c = static_cast<char>('a' + (c & 15));
  const Status status = with_reason(unavailable(text), kReasonDaemonOffline);
  const Status back = decode_command_reply(encode_command_reply(status));
  RC_ASSERT(back == status);
  RC_ASSERT(decode_command_reply(encode_command_reply(ok_status())).ok());
}

RC_GTEST_PROP(ToolMessages, AnyBytesAreReadOrRefused, (std::string bytes)) {
  (void)decode_tool_reply(bytes);
  (void)decode_tool_request(bytes);
  (void)decode_daemon_command(bytes);
  RC_ASSERT(!decode_command_reply(bytes).ok());
}

RC_GTEST_PROP(ToolMessages, HeldDaemonsComeBack, (std::vector<std::int64_t> epochs)) {
  std::vector<HeldDaemon> held;
  held.reserve(epochs.size());
  for (const std::int64_t epoch : epochs) held.push_back({DaemonId("d"), epoch, GatewayId("g"), DaemonConnection::kStale});
  const auto back = decode_held_daemons(encode(held));
  RC_ASSERT(back.ok());
  RC_ASSERT(*back == held);
}

RC_GTEST_PROP(ToolMessages, HopsThatCannotBeReadAreTheLast, (std::string text)) {
  const int hops = hops_of({{std::string(kHopsHeader), text}});
  RC_ASSERT(hops >= 0);
  RC_ASSERT(hops == kMaxHops || concat(hops) == text || text.starts_with('0'));
}

// Rolling upgrades: a newer peer says more than this version knows.
TEST(ToolMessages, FieldsOfANewerPeerAreIgnored) {
  EXPECT_TRUE(decode_tool_reply(R"({"type":"alive","extra":1})").ok());
  EXPECT_TRUE(decode_command_reply(R"({"code":"OK","message":"","took_ms":3})").ok());
  EXPECT_EQ(decode_held_daemons(R"({"daemons":[{"daemon":"d","epoch":2,"gateway":"g","connection":"fresh","x":{}}]})")->size(),
            1u);
}

// As 18446744073709551615 it would be passed on, and the next reader would refuse that.
TEST(ToolMessages, RefusesNegativeCountsByName) {
  EXPECT_EQ(field_of(decode_tool_reply(R"({"type":"output","chunk":-1,"text":""})").status()), "chunk");
  EXPECT_EQ(field_of(decode_tool_reply(R"({"type":"part","at":-1,"text":""})").status()), "at");
  EXPECT_EQ(field_of(decode_tool_reply(R"({"type":"result","outcome":"executed","output_chunks":-1,"text":""})").status()),
            "output_chunks");
}

TEST(ToolMessages, AnUnknownKindKeepsItsName) {
  EXPECT_EQ(field_of(decode_tool_reply(R"({"type":"surprise"})").status()), "type");
  const auto command = decode_daemon_command(R"({"command":"dance","user":"u","daemon":"d"})");
  ASSERT_TRUE(command.ok());
  EXPECT_EQ(command->kind, DaemonCommandKind::kUnknown);
  EXPECT_EQ(command->daemon.str(), "d");
  EXPECT_NE(message_of(unknown_command(*command)).find("\"dance\""), std::string::npos);
  EXPECT_FALSE(is_command_accepted(encode_command_reply(ok_status())));
  EXPECT_TRUE(is_command_accepted(encode_command_accepted()));
}

}  // namespace
}  // namespace reliant::model
