// The real world of the contract suites of Rpc and Http: sockets of this machine, port 0.
#pragma once

#include <functional>
#include <string>

#include "adapters/asio_executor.h"
#include "adapters/beast_http.h"
#include "adapters/beast_rpc.h"
#include "base/event_log.h"
#include "runtime/scope.h"

namespace reliant::tests {

class NoLog final : public EventLog {
 public:
  void record(Level, std::string_view, std::initializer_list<Field>) override {}
};

class BeastWorld {
 public:
  Executor& executor() { return executor_; }
  adapters::AsioExecutor& asio_executor() { return executor_; }
  TaskScope& scope() { return scope_; }
  ports::RpcServer& server() { return server_; }
  std::string address() const { return "127.0.0.1:0"; }
  ports::Http& http() { return http_; }
  bool run_until(const std::function<bool()>& done) { return executor_.run_loop_until(done, std::chrono::seconds(20)); }

 private:
  adapters::AsioExecutor executor_;
  NoLog log_;
  adapters::BeastRpc server_{executor_, log_};
  adapters::BeastHttp http_{executor_};
  TaskScope scope_{executor_, 0};
};

}  // namespace reliant::tests
