// The certificate that a server shows to HTTPS clients, kept in its data directory (R12): made at the first start and used again
// by the next ones. A certificate that the operator puts there is used instead.
//
// Files that this program has made begin with a line that says so. When they cannot be used any more they are replaced, and kept
// as tls.crt.bak and tls.key.bak. Any other file is never written: the server does not start, and says why.
#pragma once

#include <string>

#include "adapters/tls/tls_credentials.h"
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

// FAILED_PRECONDITION: files of somebody else's making cannot be used (expired, not valid yet, a passphrase, a key of another
// certificate, not readable), with the remedy.
Result<ServerCertificate> prepare_server_certificate(const DataDirectory& directory, WallTime now);

}  // namespace reliant::app
