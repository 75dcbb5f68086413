#include "adapters/asio/signals.h"

#include <csignal>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/signal_set.hpp>

#include "runtime/channel.h"

namespace reliant::adapters {

struct Signals::State {
  explicit State(AsioExecutor& executor) : set(executor.io_executor()) {}
  boost::asio::signal_set set;
  Channel<int> pending{16};  // more at once mean nothing more
};

namespace {

// nohup: the process is to outlive its terminal.
bool is_ignored(int number) {
  struct sigaction action{};
  return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

std::vector<int> signals_to_stop() {
  std::vector<int> out = {SIGINT, SIGTERM};
  if (!is_ignored(SIGHUP)) out.push_back(SIGHUP);
  return out;
}

}  // namespace

Signals::Signals(AsioExecutor& executor) : Signals(executor, signals_to_stop()) {}

Signals::Signals(AsioExecutor& executor, const std::vector<int>& numbers) : state_(std::make_shared<State>(executor)) {
  for (const int number : numbers) state_->set.add(number);
  wait(state_);
}

Signals::~Signals() {
  boost::system::error_code ignored;
  state_->set.clear(ignored);
  state_->set.cancel(ignored);
}

void Signals::wait(const std::shared_ptr<State>& state) {
  state->set.async_wait([state](const boost::system::error_code& error, int number) {
    if (error) return;
    state->pending.try_send(int{number});
    wait(state);
  });
}

Task<int> Signals::next() {
  // Never closed, so there is always a value.
  std::optional<int> number = co_await state_->pending.recv();
  co_return *number;
}

}  // namespace reliant::adapters
