// The kinds of daemons by which a chat may ask for one, in the place of an id (C21): so none of them can be the id of a daemon that
// registers. The monolith's own daemon, which does not, is `local`.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace reliant::model {

inline constexpr std::array<std::string_view, 3> kDaemonKinds = {"local", "cloud", "any"};

constexpr bool is_daemon_kind(std::string_view id) { return std::ranges::find(kDaemonKinds, id) != kDaemonKinds.end(); }

}  // namespace reliant::model
