// The signature of a message on the bus. Every process with write access to the database can sign, and a gateway acts on
// signed messages only (the bus itself lets every client publish everything, unless its server is configured otherwise).
//
// The signature covers the kind of the message, its payload, the reply subject and reply name, the expiry, and a nonce:
// HMAC-SHA256 with a key of auth/key_ring.h, in the header kSignatureHeader. It does not cover the subject, which changes when
// a gateway forwards a message.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "ports/bus.h"
#include "runtime/time.h"
#include "store/signing_keys.h"

namespace reliant::auth {

// A message of one kind is none of another.
enum class SignedKind : std::uint8_t { kRequest, kCommand, kQuestion, kNotice };

inline constexpr std::string_view kSignatureHeader = "Reliant-Signature";
// From its signing to its arrival, in the database's time.
inline constexpr Duration kSignatureLife = std::chrono::seconds(30);

struct BusSignature {
  std::string key;
  WallTime expires;
  std::string nonce;
  std::string code;
};

void sign(ports::BusMessage& message, SignedKind kind, const store::SigningKey& key, WallTime expires, std::string_view nonce);
// Nullopt: there is none. INVALID_ARGUMENT: one that no server has written.
Result<std::optional<BusSignature>> signature_of(const ports::BusMessage& message);
bool is_signed_by(const store::SigningKey& key, const ports::BusMessage& message, SignedKind kind,
                  const BusSignature& signature);

}  // namespace reliant::auth
