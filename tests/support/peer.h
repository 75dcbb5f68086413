// What the programs have in common that a bench or a test starts beside itself (grpc_peer, link_peer, daemon_swarm, …): the
// arguments that they take, and how fast what they did was. They live until they are killed, or their parent process ends.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace reliant::tests {

class PeerArguments {
 public:
  PeerArguments(int count, char** values) : words_(values + 1, values + count) { ::prctl(PR_SET_PDEATHSIG, SIGKILL); }

  // The first word is `what`, and so many follow.
  bool say(std::string_view what, std::size_t more) const { return words_.size() == more + 1 && words_[0] == what; }
  // The same, and then others: from().
  bool say_and_more(std::string_view what, std::size_t more) const { return words_.size() > more + 1 && words_[0] == what; }
  const std::string& text(std::size_t at) const { return words_.at(at); }
  std::size_t number(std::size_t at) const {
    return static_cast<std::size_t>(std::strtoull(words_.at(at).c_str(), nullptr, 10));
  }
  std::vector<std::string> from(std::size_t at) const {
    return {words_.begin() + static_cast<std::ptrdiff_t>(at), words_.end()};
  }

 private:
  std::vector<std::string> words_;
};

[[noreturn]] inline void wait_for_the_end() {
  for (;;) ::pause();
}

// Rounds that are made by several at a time. The first tenth does not count: connections are made in it.
class PeerRounds {
 public:
  using Clock = std::chrono::steady_clock;

  explicit PeerRounds(std::size_t total) : total_(total), warm_(total / 10) { taken_.reserve(total); }

  bool over() const { return done_ >= total_; }
  // A round that began at `begun` has ended.
  void end_one(Clock::time_point begun) {
    if (over()) return;
    const Clock::time_point now = Clock::now();
    if (++done_ > warm_) taken_.push_back(now - begun);
    if (done_ == warm_) counted_from_ = now;
    if (done_ == total_) counted_to_ = now;
  }
  // "p50_us X rate_per_second Y", when it is over.
  void print() {
    const auto middle = taken_.begin() + static_cast<std::ptrdiff_t>(taken_.size() / 2);
    std::nth_element(taken_.begin(), middle, taken_.end());
    const std::chrono::duration<double, std::micro> p50 = *middle;
    const std::chrono::duration<double> seconds = counted_to_ - counted_from_;
    std::printf("p50_us %.1f rate_per_second %.0f\n", p50.count(), static_cast<double>(taken_.size()) / seconds.count());
    std::fflush(stdout);
  }

 private:
  std::size_t total_;
  std::size_t warm_;
  std::size_t done_ = 0;
  Clock::time_point counted_from_ = Clock::now();
  Clock::time_point counted_to_;
  std::vector<Clock::duration> taken_;
};

// Runs what makes the rounds until they are over, and says how they went.
template <class Executor>
[[noreturn]] void run_rounds(Executor& executor, PeerRounds& rounds) {
  executor.run_loop_until([&rounds] { return rounds.over(); });
  rounds.print();
  std::_Exit(0);
}

}  // namespace reliant::tests
