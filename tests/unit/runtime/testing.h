// What the runtime's tests share: a value that counts its copies in existence, and a one-executor world.
#pragma once

#include <chrono>
#include <memory>
#include <utility>

#include "runtime/executor.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "runtime/task.h"

namespace reliant {

using namespace std::chrono_literals;

// Owns memory, so that AddressSanitizer sees a value destroyed twice or not at all; `live()` counts for
// everyone else. Every frame in these tests holds one.
class Token {
 public:
  explicit Token(int value = 0) : value_(std::make_unique<int>(value)) { ++live_; }
  Token(Token&& other) noexcept : value_(std::move(other.value_)) { ++live_; }
  Token& operator=(Token&& other) noexcept {
    value_ = std::move(other.value_);
    return *this;
  }
  ~Token() { --live_; }

  int value() const { return *value_; }
  static int live() { return live_; }

 private:
  static inline int live_ = 0;
  std::unique_ptr<int> value_;
};

template <class F>
class OnExit {
 public:
  explicit OnExit(F act) : act_(std::move(act)) {}
  OnExit(const OnExit&) = delete;
  ~OnExit() { act_(); }

 private:
  F act_;
};

struct Boom {
  int value = 0;
};

constexpr Instant at(Duration since_start) { return Instant(since_start); }

inline Task<void> suspended_for_ever() {
  Token token;
  co_await never();
}

// Runs one task alone, to the end.
inline void run_alone(Task<void> task) {
  FirstFailure failure;
  Executor executor(1);
  executor.set_failure_handler(&failure);
  TaskScope scope(executor, 1);
  scope.spawn(std::move(task));
  executor.run();
  if (failure.error()) std::rethrow_exception(failure.error());
}

}  // namespace reliant
