// The certificate that a server shows to HTTPS clients, kept in its data directory (R12): made at the first
// start, used again by the next ones, and replaced when it cannot be used any more. Whoever has a real one
// puts it there.
#pragma once

#include <string>

#include "adapters/tls_credentials.h"
#include "app/data_directory.h"
#include "base/status.h"
#include "runtime/time.h"

namespace reliant::app {

inline constexpr std::string_view kCertificateFile = "tls.crt";
inline constexpr std::string_view kCertificateKeyFile = "tls.key";

struct ServerCertificate {
  adapters::TlsCredentials credentials;
  std::string replaced;  // a line for people; "" when nothing was
};

Result<ServerCertificate> prepare_server_certificate(const DataDirectory& directory, WallTime now);

}  // namespace reliant::app
