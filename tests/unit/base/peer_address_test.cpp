#include "base/peer_address.h"

#include <gtest/gtest.h>

namespace reliant {
namespace {

TEST(PeerAddress, OfIpv4IsCountedByItself) {
  EXPECT_EQ(network_of_peer("192.0.2.7:4711"), "192.0.2.7");
  EXPECT_EQ(network_of_peer("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(network_of_peer("[::ffff:192.0.2.7]:4711"), "192.0.2.7");
}

TEST(PeerAddress, OfIpv6IsCountedByTheNetworkOfItsCustomer) {
  const std::string network = "2001:db8:0:1::/64";
  EXPECT_EQ(network_of_peer("[2001:db8:0:1::5]:4711"), network);
  EXPECT_EQ(network_of_peer("2001:db8:0:1:ffff:ffff:ffff:ffff"), network);
  EXPECT_NE(network_of_peer("[2001:db8:0:2::5]:4711"), network);
  EXPECT_EQ(network_of_peer("[fe80::1%eth0]:4711"), "fe80::/64");
}

TEST(PeerAddress, ThatIsNoAddressIsCountedByItsHost) {
  EXPECT_EQ(network_of_peer("daemon-1:4711"), "daemon-1");
  EXPECT_EQ(network_of_peer(""), "");
  EXPECT_EQ(network_of_peer("[::1"), "::/64");
  EXPECT_EQ(network_of_peer("["), "");
}

}  // namespace
}  // namespace reliant
