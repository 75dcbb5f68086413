// What a server shows to its TLS clients, as values: its certificate, the ones that vouch for it, and its
// key. And what may be wrong with them, in the same words wherever PEM files are read: FAILED_PRECONDITION
// with the end of a sentence ("its key is missing"), which the caller begins with the name of the file or
// flag.
//
// Owner: none; these are values and free functions. Any thread.
#pragma once

#include <string>

#include "base/status.h"
#include "runtime/time.h"

namespace reliant::adapters {

struct TlsCredentials {
  std::string certificate_chain;  // PEM, the server's own first
  std::string private_key;        // PEM, without a passphrase
};

// OK: a certificate, and its key. The field of an error is "certificate" or "private_key".
Status check_credentials(const TlsCredentials& credentials);
// And the certificate holds at `now`.
Status check_credentials(const TlsCredentials& credentials, WallTime now);

// OK: certificates in PEM, one or more, as of those to trust; whether they hold is not looked at.
Status check_certificates(const std::string& pem);

}  // namespace reliant::adapters
