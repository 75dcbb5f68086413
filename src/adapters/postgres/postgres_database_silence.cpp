#include "adapters/postgres/postgres_database_silence.h"

#include <utility>

#include "runtime/sleep.h"

namespace reliant::adapters {

PostgresDatabaseSilence::PostgresDatabaseSilence(Executor& executor, Actions actions)
    : executor_(executor), actions_(std::move(actions)), scope_(executor, 0) {}

void PostgresDatabaseSilence::call_begins() {
  if (calls_++ == 0) heard_at_ = executor_.now();
  if (!listening_) listening_ = scope_.try_spawn(listen());
}

void PostgresDatabaseSilence::heard() {
  heard_at_ = executor_.now();
  silent_.reset();
  if (probing_) changed_.set();
}

Task<void> PostgresDatabaseSilence::listen() {
  while (calls_ > 0) {
    const Instant look = after(heard_at_, kSilence);
    if (executor_.now() < look) {
      co_await sleep_until(look);  // waits for no event: that nothing happens is what counts
    } else if (!co_await answers()) {
      co_await be_silent();
    }
  }
  listening_ = false;
}

Task<bool> PostgresDatabaseSilence::answers() {
  if (probing_) {  // one of earlier, which a firewall may have swallowed: it proves nothing
    changed_.reset();
    co_await changed_.wait();
    co_return true;
  }
  const Instant begun = executor_.now();
  begin_probe();
  for (Duration waited{}; waited < kProbeTimeout && probing_ && heard_at_ < begun; waited += kSlice) {
    changed_.reset();
    (void)co_await changed_.wait(after(executor_.now(), kSlice));
  }
  if (!probing_) heard_at_ = executor_.now();  // also what was refused is an answer
  co_return heard_at_ >= begun;
}

Task<void> PostgresDatabaseSilence::be_silent() {
  silent_.set();
  actions_.on_silent();
  while (is_silent()) {
    begin_probe();
    changed_.reset();
    co_await changed_.wait();
    if (is_silent()) co_await sleep_for(kProbeEvery);  // polls: a server that is back sends no event
  }
}

void PostgresDatabaseSilence::begin_probe() {
  if (std::exchange(probing_, true)) return;
  actions_.probe(is_silent() ? Probe::kPatient : Probe::kBrief, [this](const Status& answer) {
    probing_ = false;
    if (answer.ok()) heard();
    changed_.set();
  });
}

}  // namespace reliant::adapters
