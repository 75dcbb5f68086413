// What a server shows to its TLS clients, as values: its certificate, the ones that vouch for it, and its key.
#pragma once

#include <string>

namespace reliant::adapters {

struct TlsCredentials {
  std::string certificate_chain;  // PEM, the server's own first
  std::string private_key;        // PEM, without a passphrase
};

}  // namespace reliant::adapters
