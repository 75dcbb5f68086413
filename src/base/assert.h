// RELIANT_ASSERT: an invariant of ours, checked in every build. When it does not hold, the program says where
// and why on stderr and aborts: a process with broken state must not go on acting.
//
// Only for defects in this code base. Never for data from outside (that is a Status), and never around
// `co_await`. The condition must be cheap; the message says what was promised, in words.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace reliant::detail {

[[noreturn, gnu::cold, gnu::noinline]] inline void assertion_failed(const char* file, int line, const char* condition,
                                                                    std::string_view message) noexcept {
  std::fprintf(stderr, "%s:%d: %.*s [%s]\n", file, line, static_cast<int>(message.size()), message.data(), condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace reliant::detail

#define RELIANT_ASSERT(condition, message)                                          \
  do {                                                                              \
    if (!(condition)) [[unlikely]]                                                  \
      ::reliant::detail::assertion_failed(__FILE__, __LINE__, #condition, message); \
  } while (false)

// A place that control cannot reach unless an invariant is broken.
#define RELIANT_UNREACHABLE(message) ::reliant::detail::assertion_failed(__FILE__, __LINE__, "unreachable", message)
