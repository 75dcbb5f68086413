// A daemon with its supervisor on a simulated machine, and a server that registers as the test says.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/supervisor.h"
#include "model/token.h"
#include "unit/daemon/daemon_world.h"

namespace reliant::daemon {

using namespace std::chrono_literals;

inline constexpr std::string_view kFile = "/home/ann/.config/reliant/auth/reliant-daemon.json";

class HandResponse final : public ports::HttpResponse {
 public:
  HandResponse(int status, ports::HttpHeaders headers, std::string body)
      : status_(status), headers_(std::move(headers)), body_(std::move(body)) {}
  int status() const override { return status_; }
  const ports::HttpHeaders& headers() const override { return headers_; }
  Task<Result<std::optional<std::string>>> read(Instant) override {
    if (read_) co_return std::nullopt;
    read_ = true;
    co_return body_;
  }

 private:
  int status_;
  ports::HttpHeaders headers_;
  std::string body_;
  bool read_ = false;
};

// Registers every daemon with tokens rlnt_pat_1, rlnt_pat_2, … unless there is something else in `answers`.
class HandServer final : public ports::HttpClient {
 public:
  struct Answer {
    int status;
    ports::HttpHeaders headers;
    std::string body;
  };
  explicit HandServer(Executor& executor) : executor_(executor) {}
  Task<Result<std::unique_ptr<ports::HttpResponse>>> send(ports::HttpRequest request, Instant) override {
    requests.push_back(request);
    times.push_back(executor_.now());
    co_await sleep_for(takes);
    if (away) co_return unavailable("no connection");
    if (!answers.empty()) {
      Answer answer = answers.front();
      answers.pop_front();
      co_return std::make_unique<HandResponse>(answer.status, answer.headers, answer.body);
    }
    co_return std::make_unique<HandResponse>(
        201, ports::HttpHeaders{},
        concat(R"({"token":"rlnt_pat_)", ++issued, R"(","token_id":"t","user_id":"ann","daemon_id":"d1"})"));
  }

  std::vector<ports::HttpRequest> requests;
  std::vector<Instant> times;
  std::deque<Answer> answers;
  Duration takes{};  // to answer
  bool away = false;
  int issued = 0;

 private:
  Executor& executor_;
};

class SupervisorTest : public DaemonWorld {
 protected:
  // One life of the daemon's process, with its supervisor.
  struct Kept {
    Kept(SupervisorTest& world, std::string given, std::string session)
        : processes(world.machine_, Random(1)),
          filesystem(world.machine_.disk, world.machine_.disk_faults, Random(2)),
          tools(tools::make_standard_tools(processes, filesystem)),
          context{&world.executor_, nullptr, 1},
          daemon(context, world.clock_, Random(world.next_seed_++), world.log_, world.links_, tools, processes, world.journal(),
                 world.options_),
          file(filesystem, std::string(kFile)),
          registration(world.server_, {"https://reliant.test"}, std::move(session)),
          supervisor(daemon, file, registration, world.clock_, Random(3), world.log_, std::move(given)),
          scope(world.executor_, 1) {
      scope.spawn(keep(supervisor, end));
    }
    static Task<void> keep(Supervisor& supervisor, std::optional<Status>& end) { end = co_await supervisor.run(); }
    void run_again() {
      end.reset();
      scope.spawn(keep(supervisor, end));
    }

    sim::SimProcesses processes;
    sim::SimFilesystem filesystem;
    tools::ToolRegistry tools;
    Context context;
    std::optional<Status> end;
    Daemon daemon;
    CredentialsFile file;
    Registration registration;
    Supervisor supervisor;
    TaskScope scope;
  };

  void begin(std::string given = "", std::string session = "rlnt_pat_session") {
    kept_.reset();
    kept_ = std::make_unique<Kept>(*this, std::move(given), std::move(session));
  }
  // Asks it to stop; the process ends when stop() returns.
  void stop(Duration grace) {
    std::optional<Instant> stopped;
    TaskScope stopper(executor_, 3);
    stopper.spawn([](Supervisor& supervisor, Executor& executor, Instant deadline, std::optional<Instant>& at) -> Task<void> {
      co_await supervisor.stop(deadline);
      at = executor.now();
    }(kept_->supervisor, executor_, executor_.now() + grace, stopped));
    const Instant last = executor_.now() + grace + 1s;
    while (!stopped && executor_.next_event() <= last && executor_.step()) {}
    EXPECT_TRUE(stopped.has_value());
    kept_.reset();
  }
  void have_file(std::string token) {
    EXPECT_TRUE(machine_.disk.make_directories("/home/ann/.config/reliant/auth").ok());
    EXPECT_TRUE(
        machine_.disk.write(std::string(kFile), to_text({DaemonId("d1"), UserId("ann"), std::move(token), {}}), {}).ok());
  }
  std::string on_disk(std::string_view suffix = "") const {
    const std::string* content = machine_.disk.content(concat(kFile, suffix));
    return content == nullptr ? "" : *content;
  }
  std::string token_used() const { return gateway_->streams.back()->link->metadata().at("authorization"); }
  void refuse(std::string_view reason) { gateway_->refuse_with(with_reason(unauthenticated("the token was refused"), reason)); }

  HandServer server_{executor_};
  std::unique_ptr<Kept> kept_;
};

}  // namespace reliant::daemon
