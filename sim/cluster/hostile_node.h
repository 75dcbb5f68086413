// A machine of a hostile user. Its tokens are valid; its load on the gateways is not that of a daemon.
//
//   silent streams   authenticated streams without a message, opened again and again
//   floods           daemons that send unrequested results of megabytes as fast as the gateway accepts them, and now and
//                    then one of almost 4 MiB, which the gateway refuses
//
// It begins with its node, and stays away for good after `lives`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cluster/world.h"
#include "runtime/task.h"

namespace reliant::sim {

struct HostileNodeOptions {
  std::vector<std::string> tokens;  // of one user
  std::vector<std::string> gateways;
  std::int64_t silent_streams = 0;
  std::int64_t floods = 0;
  Duration lives{};
};

Task<void> hostile_node(Node& node, World& world, HostileNodeOptions options);

}  // namespace reliant::sim
