// UTF-8 (RFC 3629): where bytes from outside (a tool's output, a provider's error page, a peer's status message, a
// percent-decoded path) become text. A protobuf `string` and JSON hold text only: a single invalid byte makes the peer
// refuse the whole message. to_json (base/json.h) repairs by itself; what goes into a protobuf field goes through
// text_from_bytes (tools/bans.toml, rule bytes-as-text). Results and files stay bytes until they are shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace reliant {

bool is_valid_utf8(std::string_view bytes);

// Valid UTF-8: each byte that is not part of a well-formed character becomes U+FFFD, the rest stays as it is. At most
// `limit` bytes long, cut between two characters.
std::string text_from_bytes(std::string_view bytes, std::size_t limit = std::string_view::npos);

// The length in bytes of the well-formed character at the front of `bytes`; 0: there is none.
std::size_t utf8_length(std::string_view bytes);

// The last position at or before `at` where a character of the valid text begins.
std::size_t character_start(std::string_view text, std::size_t at);

// text_from_bytes for bytes that arrive in pieces: a character that is cut in two is held back until the rest has arrived.
class Utf8Stream {
 public:
  std::string feed(std::string_view bytes);
  std::string finish();  // what was held back and never completed

 private:
  std::string held_;
};

}  // namespace reliant
