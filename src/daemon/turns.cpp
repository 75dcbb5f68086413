#include "daemon/turns.h"

#include <algorithm>

#include "runtime/race.h"

namespace reliant::daemon {
namespace {

Task<bool> until(Event& event) { co_return co_await event.wait(); }

}  // namespace

struct Turns::Waiting {
  explicit Waiting(Turns& t) : turns(t) { turns.waiting_.push_back(this); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    if (given) {
      turns.give_back();
    } else {
      std::erase(turns.waiting_, this);
    }
  }

  Turns& turns;
  Event ready;
  bool given = false;  // and not yet taken
};

std::optional<Turns::Turn> Turns::try_take() {
  if (free_ == 0) return std::nullopt;
  --free_;
  return Turn(*this);
}

Task<std::optional<Turns::Turn>> Turns::wait(Event& leaves) {
  if (auto turn = try_take()) co_return turn;
  Waiting waiting(*this);
  (void)co_await race(until(waiting.ready), until(leaves));
  if (!std::exchange(waiting.given, false)) co_return std::nullopt;
  co_return Turn(*this);
}

void Turns::give_back() {
  if (waiting_.empty()) {
    ++free_;
    return;
  }
  Waiting* next = waiting_.front();
  waiting_.pop_front();
  next->given = true;
  next->ready.set();
}

}  // namespace reliant::daemon
