// The signature of a message on the bus: who may write into the database may sign, and a gateway acts on nothing else (the bus
// itself lets every client publish everything, unless its server is configured otherwise).
//
// Signed are the kind of the message, its payload, to where and under which name it is answered, until when it is good, and a nonce:
// HMAC-SHA256 with a key of auth/key_ring.h, in the header kSignatureHeader. Not the subject: a gateway passes a message on.
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
