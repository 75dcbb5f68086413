// Messages of the bus between router and gateway. The first byte chooses the message, the rest is its JSON, or the header with
// its signature.
#include <string>

#include "auth/bus_signature.h"
#include "fuzz_input.h"
#include "model/tool_messages.h"

namespace reliant::model {
namespace {

// A decoded message round-trips through its encoding.
template <class T>
void check_round_trip(std::string_view text, Result<T> (*decode)(std::string_view)) {
  const Result<T> read = decode(text);
  if (!read.ok()) return fuzz::check_json_refusal(read.status());
  const std::string written = encode(*read);
  const Result<T> again = decode(written);
  RELIANT_ASSERT(again.ok(), "an encoded message can be decoded");
  RELIANT_ASSERT(encode(*again) == written, "an encoded message round-trips");
}

void check_command_reply(std::string_view text) {
  const Status status = decode_command_reply(text);
  const Status again = decode_command_reply(encode_command_reply(status));
  RELIANT_ASSERT(again.code() == status.code() && message_of(again) == message_of(status), "a reply is read back");
  RELIANT_ASSERT(reason_of(again) == reason_of(status), "its reason is read back");
  RELIANT_ASSERT(!status.ok() || !is_command_accepted(text) || text.find("code") != text.npos, "a reply has a code");
}

void check_held_question(std::string_view text) {
  const auto user = decode_held_question(text);
  if (!user.ok()) return fuzz::check_json_refusal(user.status());
  RELIANT_ASSERT(*decode_held_question(encode_held_question(*user)) == *user, "the user is read back");
}

void check_hops(std::string_view text) {
  const int hops = hops_of({{std::string(kHopsHeader), std::string(text)}});
  RELIANT_ASSERT(hops >= 0, "hops are counted from 0");
  RELIANT_ASSERT(hops_of({{std::string(kHopsHeader), concat(hops)}}) == hops, "a number of hops is read back");
}

// The text as the header, as what is signed, and as the nonce.
void check_signature(std::string_view text) {
  using auth::SignedKind;
  ports::BusMessage message{"tools.request.u.d", "inbox", {{std::string(kAttemptHeader), "7"}}, std::string(text)};
  message.headers[std::string(auth::kSignatureHeader)] = text;
  const auto read = auth::signature_of(message);
  if (!read.ok()) fuzz::check_refusal(read.status());
  const store::SigningKey key{.id = "key_1", .secret = "secret"};
  if (read.ok()) {
    RELIANT_ASSERT(read->has_value(), "a header is a signature, or is refused");
    RELIANT_ASSERT((*read)->key.size() <= 128 && (*read)->nonce.size() <= 128, "fields of a signature are short");
    RELIANT_ASSERT(!auth::is_signed_by(key, message, SignedKind::kRequest, **read), "a guess is no signature");
  }
  auth::sign(message, SignedKind::kRequest, key, WallTime(std::chrono::seconds(1'700'000'000)), "nonce");
  const auto own = auth::signature_of(message);
  RELIANT_ASSERT(own.ok() && own->has_value(), "a signature of ours can be read");
  RELIANT_ASSERT(auth::is_signed_by(key, message, SignedKind::kRequest, **own), "it holds for what was signed");
  RELIANT_ASSERT(!auth::is_signed_by(key, message, SignedKind::kCommand, **own), "it holds for no other kind");
  message.payload += "x";
  RELIANT_ASSERT(!auth::is_signed_by(key, message, SignedKind::kRequest, **own), "it holds for no other payload");
}

}  // namespace
}  // namespace reliant::model

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reliant::model;
  if (size == 0) return 0;
  const std::string_view text = reliant::fuzz::text_of(data + 1, size - 1);
  switch (data[0] % 8) {
    case 0:
      check_round_trip(text, &decode_tool_request);
      break;
    case 1:
      check_round_trip(text, &decode_tool_reply);
      break;
    case 2:
      check_round_trip(text, &decode_daemon_command);
      break;
    case 3:
      check_round_trip(text, &decode_held_daemons);
      break;
    case 4:
      check_round_trip(text, &decode_daemon_accepted);
      break;
    case 5:
      check_command_reply(text);
      break;
    case 6:
      check_held_question(text);
      check_hops(text);
      break;
    default:
      check_signature(text);
  }
  return 0;
}
