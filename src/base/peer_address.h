// By what the peers of connections are counted where a limit is for each address.
#pragma once

#include <string>
#include <string_view>

namespace reliant {

// The network that one customer of a provider has: an IPv4 address, or the first 64 bits of an IPv6 address ("2001:db8:0:1::/64"),
// since the rest is the customer's own choice (RFC 6177). An IPv4 address in an IPv6 one counts as itself. `peer` is "host:port",
// "[host]:port" or a host alone; what is no address is its own network, without the port.
std::string network_of_peer(std::string_view peer);

}  // namespace reliant
