#include "base/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

namespace reliant {
namespace {

constexpr std::size_t kNetworkBytes = 8;

std::string_view host_of(std::string_view peer) {
  if (peer.starts_with('[')) return peer.substr(1, peer.find(']') - 1);
  const bool has_port = std::ranges::count(peer, ':') == 1;  // more: an IPv6 address without brackets
  return has_port ? peer.substr(0, peer.find(':')) : peer;
}

}  // namespace

std::string network_of_peer(std::string_view peer) {
  const std::string host(host_of(peer.substr(0, peer.find('%'))));  // a zone names an interface of ours
  in6_addr address{};
  if (::inet_pton(AF_INET6, host.c_str(), &address) != 1) return host;
  char text[INET6_ADDRSTRLEN];
  if (IN6_IS_ADDR_V4MAPPED(&address)) return ::inet_ntop(AF_INET, &address.s6_addr[12], text, sizeof text);
  std::fill(address.s6_addr + kNetworkBytes, address.s6_addr + sizeof address, 0);
  return std::string(::inet_ntop(AF_INET6, &address, text, sizeof text)) + "/64";
}

}  // namespace reliant
