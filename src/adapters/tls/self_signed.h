// A certificate that its own key has signed, so that a server on this machine can be reached by HTTPS before anybody has
// got it a real one (R12). Clients are given the certificate itself to trust.
//
// Owner: none; these are free functions. Any thread. The key comes from OpenSSL's generator, never from a Random.
#pragma once

#include <string>

#include "adapters/tls/tls_credentials.h"
#include "base/status.h"
#include "runtime/time.h"

namespace reliant::adapters {

// For localhost, 127.0.0.1 and ::1; P-256; good for ten years from `now`.
Result<TlsCredentials> make_self_signed(WallTime now);

}  // namespace reliant::adapters
