#include "auth/bus_signature.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <utility>

#include "base/hmac.h"
#include "base/text.h"
#include "model/tool_messages.h"

namespace reliant::auth {
namespace {

constexpr std::string_view kVersion = "1";
constexpr std::size_t kCodeDigits = 64;
constexpr std::size_t kMaxField = 128;  // bytes: what is longer no server has written

std::string_view word_of(SignedKind kind) {
  switch (kind) {
    case SignedKind::kRequest:
      return "request";
    case SignedKind::kCommand:
      return "command";
    case SignedKind::kQuestion:
      return "question";
    case SignedKind::kNotice:
      return "notice";
  }
  RELIANT_UNREACHABLE("every kind has a word");
}

// Each with its length: two different messages have no text in common.
std::string signed_text(const ports::BusMessage& message, SignedKind kind, const BusSignature& signature) {
  const std::string expires = concat(signature.expires.time_since_epoch().count());
  const std::string attempt = model::attempt_of(message.headers);
  std::string text;
  text.reserve(message.payload.size() + 512);
  for (const std::string_view part :
       {std::string_view("reliant.bus"), kVersion, word_of(kind), std::string_view(signature.key), std::string_view(expires),
        std::string_view(signature.nonce), std::string_view(message.reply_to), std::string_view(attempt),
        std::string_view(message.payload)})
    append(text, concat(part.size(), ":", part, ","));
  return text;
}

Status unreadable() { return invalid_argument("its signature cannot be read"); }

}  // namespace

void sign(ports::BusMessage& message, SignedKind kind, const store::SigningKey& key, WallTime expires, std::string_view nonce) {
  const BusSignature signature{key.id, expires, std::string(nonce), {}};
  message.headers[std::string(kSignatureHeader)] =
      concat(kVersion, ";", key.id, ";", expires.time_since_epoch().count(), ";", nonce, ";",
             hmac_sha256_hex(key.secret, signed_text(message, kind, signature)));
}

Result<std::optional<BusSignature>> signature_of(const ports::BusMessage& message) {
  const auto header = message.headers.find(std::string(kSignatureHeader));
  if (header == message.headers.end()) return std::optional<BusSignature>();
  std::array<std::string_view, 5> fields;
  std::string_view rest = header->second;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::size_t end = i + 1 < fields.size() ? rest.find(';') : rest.size();
    if (end == std::string_view::npos || end == 0 || end > kMaxField) return unreadable();
    fields[i] = rest.substr(0, end);
    rest.remove_prefix(i + 1 < fields.size() ? end + 1 : end);
  }
  std::int64_t nanoseconds = 0;
  const auto [end, error] = std::from_chars(fields[2].data(), fields[2].data() + fields[2].size(), nanoseconds);
  if (error != std::errc() || end != fields[2].data() + fields[2].size()) return unreadable();
  if (fields[0] != kVersion || fields[4].size() != kCodeDigits) return unreadable();
  return std::optional<BusSignature>(
      BusSignature{std::string(fields[1]), WallTime(Duration(nanoseconds)), std::string(fields[3]), std::string(fields[4])});
}

bool is_signed_by(const store::SigningKey& key, const ports::BusMessage& message, SignedKind kind,
                  const BusSignature& signature) {
  return key.id == signature.key &&
         equal_secrets(hmac_sha256_hex(key.secret, signed_text(message, kind, signature)), signature.code);
}

}  // namespace reliant::auth
