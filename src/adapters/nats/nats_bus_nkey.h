// NKeys: how NATS writes Ed25519 keys down (github.com/nats-io/nkeys): base32 of a prefix that says what the key is, the key,
// and a CRC-16. A client that signs with the seed has to name the public key as well.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace reliant::adapters {

// The public key ("U...") of the first line of `text` that is the seed of a user ("SU..."). INVALID_ARGUMENT: there is none,
// or it is damaged; the message does not show it.
Result<std::string> nats_nkey(std::string_view text);
// The same of a file. INVALID_ARGUMENT also when it cannot be read.
Result<std::string> read_nats_nkey(const std::string& path);

}  // namespace reliant::adapters
