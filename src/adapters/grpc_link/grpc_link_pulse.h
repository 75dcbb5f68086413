// GrpcLinkPulse: keeps gRPC's threads awake. gRPC 1.51 has a pool of threads for all callbacks of the
// process, which ends with the last channel and server; each of them sleeps for 100 ms when nothing has come
// for a second, and what comes while all of them sleep has to wait. So a call is made twice a second, which
// fails at once: whichever thread reports it stays awake until the next one.
//
// Owner: GrpcLinkCalls. Executor: the logic thread. The destructor waits for a call that is under way.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "runtime/task.h"

namespace reliant::adapters {

class GrpcLinkPulse final {
 public:
  GrpcLinkPulse();
  GrpcLinkPulse(const GrpcLinkPulse&) = delete;
  GrpcLinkPulse& operator=(const GrpcLinkPulse&) = delete;
  ~GrpcLinkPulse();

  Task<void> beat();  // until it is destroyed

 private:
  struct Call;

  void start_call();
  void on_done();

  std::mutex mutex_;
  std::condition_variable done_;
  bool under_way_ = false;
  const std::unique_ptr<Call> call_;
};

}  // namespace reliant::adapters
