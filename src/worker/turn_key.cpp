#include "worker/turn_key.h"

#include <charconv>

#include "base/digest.h"
#include "base/text.h"

namespace reliant::worker {
namespace {

bool parse(std::string_view text, std::int64_t& number) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

}  // namespace

std::string to_text(const TurnKey& key) {
  std::string text = concat(key.turn.str(), "/", key.step);
  if (key.index >= 0) text += concat("/", key.index);
  return text;
}

std::optional<TurnKey> turn_key_from(std::string_view text) {
  TurnKey key;
  const std::size_t first = text.find('/');
  if (first == std::string_view::npos) return std::nullopt;
  key.turn = MessageId(std::string(text.substr(0, first)));
  text.remove_prefix(first + 1);
  const std::size_t second = text.find('/');
  if (!parse(text.substr(0, second), key.step)) return std::nullopt;
  if (second != std::string_view::npos && !parse(text.substr(second + 1), key.index)) return std::nullopt;
  return key;
}

MessageId answer_id(const TurnKey& key) {
  return MessageId(concat("msg_", sha256_hex(to_text({key.turn, key.step, -1})).substr(0, 26)));
}

}  // namespace reliant::worker
