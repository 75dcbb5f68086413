// AsioOp: awaits one Asio operation from a Task. Only adapters include it.
//
//   AsioOp read([&](auto done) { c->socket.async_read_some(c->buffer, std::move(done)); }, c);
//   const AsioResult result = co_await read;
//
// Destroying the waiting frame cancels the operation (its completion then has no effect). Two rules follow. Buffers
// and I/O objects belong to something that outlives the operation (`keep`, held until the completion) and not to the
// waiting frame. And an operation that had completed when its frame was destroyed has had its effect: bytes that must
// not be lost are read by the connection, into a buffer of the connection, and its readers only wait for them.
#pragma once

#include <coroutine>
#include <cstddef>
#include <memory>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/system/error_code.hpp>

#include "runtime/executor.h"

namespace reliant::adapters {

struct AsioResult {
  boost::system::error_code error;
  std::size_t bytes = 0;
};

template <class Start>
class [[nodiscard]] AsioOp {
 public:
  explicit AsioOp(Start start, std::shared_ptr<void> keep = nullptr) : start_(std::move(start)), keep_(std::move(keep)) {}
  AsioOp(const AsioOp&) = delete;
  AsioOp& operator=(const AsioOp&) = delete;
  ~AsioOp() {
    if (!state_) return;
    state_->waiter = nullptr;
    if (!state_->done) state_->cancel.emit(boost::asio::cancellation_type::terminal);
  }

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) {
    wake_.bind(*handle.promise().context, handle);
    state_ = std::make_shared<State>();
    state_->waiter = &wake_;
    state_->keep = std::move(keep_);
    start_(boost::asio::bind_cancellation_slot(state_->cancel.slot(),
                                               [state = state_](const boost::system::error_code& error, std::size_t bytes = 0) {
                                                 state->done = true;
                                                 state->result = AsioResult{error, bytes};
                                                 state->keep.reset();
                                                 if (state->waiter != nullptr) state->waiter->ready();
                                               }));
  }
  AsioResult await_resume() const { return state_->result; }

 private:
  struct State {
    Wake* waiter = nullptr;
    bool done = false;
    std::shared_ptr<void> keep;
    AsioResult result;
    boost::asio::cancellation_signal cancel;
  };

  Start start_;
  std::shared_ptr<void> keep_;
  std::shared_ptr<State> state_;
  Wake wake_;
};

}  // namespace reliant::adapters
