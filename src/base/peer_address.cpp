#include "base/peer_address.h"

#include <algorithm>
#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>

#include "base/text.h"

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
  const std::string_view host = host_of(peer.substr(0, peer.find('%')));  // a zone names an interface of ours
  const auto address = boost::urls::parse_ipv6_address(boost::core::string_view(host.data(), host.size()));
  if (!address) return std::string(host);
  auto bytes = address->to_bytes();
  if (address->is_v4_mapped()) return boost::urls::ipv4_address({bytes[12], bytes[13], bytes[14], bytes[15]}).to_string();
  std::fill(bytes.begin() + kNetworkBytes, bytes.end(), 0);
  return concat(boost::urls::ipv6_address(bytes).to_string(), "/64");
}

}  // namespace reliant
