// The words by which a daemon is asked for by its type, in the place of a name or an id (R96), with their aliases (C25). So none of them
// can be the id or the name of a daemon that registers (C21). The monolith's own daemon, which does not, has the id `local`.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace reliant::model {

inline constexpr std::array<std::string_view, 5> kDaemonKinds = {"local", "cloud", "any", "self_hosted", "managed"};

constexpr bool is_daemon_kind(std::string_view id) { return std::ranges::find(kDaemonKinds, id) != kDaemonKinds.end(); }

}  // namespace reliant::model
