// NodeTimes: nodes whose time is not the executor's: held ones, for which nothing runs (a process that was stopped), and
// those whose clock runs at another rate or has stood still (a bad quartz, a machine that slept).
//
// Everything that belongs to such a node reads and sets its own time; the executor converts by the node of the context that
// asks. Without NodeTimes, as in production, all is one time. Owner: the executor's owner. It cannot fail.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/time.h"

namespace reliant {

class NodeTimes {
 public:
  static constexpr std::int64_t kMillion = 1'000'000;

  bool held(std::uint32_t node) const noexcept { return node < views_.size() && views_[node].held; }
  // What the node's own clock shows at `truth`.
  Instant local(std::uint32_t node, Instant truth) const noexcept {
    if (node >= views_.size() || truth == kNever) return truth;
    const View& view = views_[node];
    return view.local + scaled(truth - view.truth, kMillion + view.ahead_per_million, kMillion);
  }
  // The first instant at which the node's clock shows `local` or more.
  Instant truth(std::uint32_t node, Instant local) const noexcept {
    if (node >= views_.size() || local == kNever) return local;
    const View& view = views_[node];
    Instant when = view.truth + scaled(local - view.local, kMillion, kMillion + view.ahead_per_million);
    while (this->local(node, when) < local) when += Duration(1);
    return when;
  }

  void hold(std::uint32_t node, bool held) { view(node).held = held; }
  // From now on.
  void set_rate(std::uint32_t node, Instant truth, std::int64_t ahead_per_million) {
    const Instant shown = local(node, truth);
    view(node) = {view(node).held, truth, shown, ahead_per_million};
  }
  // Its clock did not go on while it slept.
  void stood_still(std::uint32_t node, Instant truth, Duration slept) {
    const Instant shown = local(node, truth);
    view(node) = {view(node).held, truth, shown - slept, view(node).ahead_per_million};
  }

 private:
  struct View {
    bool held = false;
    Instant truth{};
    Instant local{};
    std::int64_t ahead_per_million = 0;
  };

  // Times a ratio near one, without overflow for as long as time lasts.
  static Duration scaled(Duration time, std::int64_t numerator, std::int64_t denominator) noexcept {
    if (numerator == denominator) return time;
    const std::int64_t count = time.count();
    return Duration(count / denominator * numerator + count % denominator * numerator / denominator);
  }
  View& view(std::uint32_t node) {
    if (node >= views_.size()) views_.resize(node + 1);
    return views_[node];
  }

  std::vector<View> views_;  // by node; those beyond the end are plain
};

}  // namespace reliant
