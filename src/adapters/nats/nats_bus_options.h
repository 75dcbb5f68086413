// NatsOptions: where NatsBus connects to, and how. Values only.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "runtime/time.h"

namespace reliant::adapters {

struct NatsOptions {
  // "nats://[user:password@]host[:port]", "tls://…"; several of one cluster, separated by commas.
  std::string urls;
  std::string name = "reliant";  // how the server's lists call this client
  // Files, "" = none: trusted CAs, this client's certificate and its key, NATS credentials (JWT, seed).
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  std::string credentials_file;
  std::string nkey_file;  // the seed of a user's NKey; not with credentials_file
  Duration connect_timeout = std::chrono::seconds(2);
  // A server that says nothing for about three of these is taken for lost; in whole seconds.
  Duration ping_interval = std::chrono::seconds(2);
  Duration reconnect_low = std::chrono::milliseconds(100);  // between two attempts, drawn
  Duration reconnect_high = std::chrono::seconds(2);
  std::size_t max_unsent = std::size_t{8} << 20;  // bytes; above it publish is UNAVAILABLE
};

// INVALID_ARGUMENT says which one and what it should look like (and never shows a password).
Result<std::vector<std::string>> parse_nats_urls(std::string_view urls);

// Whether the connection is to be encrypted: a tls:// URL, or a file with trusted CAs or a client certificate.
bool wants_tls(const NatsOptions& options, const std::vector<std::string>& urls);

}  // namespace reliant::adapters
