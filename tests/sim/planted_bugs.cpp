#include "sim/planted_bugs.h"

#include <map>
#include <utility>

#include "base/text.h"

namespace reliant::sim {
namespace {

class ForgetfulTransaction final : public ports::Transaction {
 public:
  ForgetfulTransaction(std::unique_ptr<ports::Transaction> real, bool forgets) : real_(std::move(real)), forgets_(forgets) {}
  Task<Result<ports::Rows>> execute(std::string_view sql, ports::Values parameters) override {
    return real_->execute(sql, std::move(parameters));
  }
  Task<Status> commit() override {
    if (forgets_) co_return ok_status();  // and rolls back, when it is destroyed
    co_return co_await real_->commit();
  }

 private:
  std::unique_ptr<ports::Transaction> real_;
  bool forgets_;
};

class ForgetfulDatabase final : public ports::Database {
 public:
  ForgetfulDatabase(std::unique_ptr<ports::Database> real, Random random) : real_(std::move(real)), random_(random) {}
  Task<Result<std::unique_ptr<ports::Transaction>>> begin(ports::Access access, Instant deadline) override {
    auto real = co_await real_->begin(access, deadline);
    if (!real.ok()) co_return real;
    const bool forgets = access == ports::Access::kWrite && random_.chance(1, 4);
    co_return std::make_unique<ForgetfulTransaction>(*std::move(real), forgets);
  }
  Task<Status> run_script(std::string_view sql, Instant deadline) override { return real_->run_script(sql, deadline); }
  Task<Result<WallTime>> wall_now(Instant deadline) override { return real_->wall_now(deadline); }

 private:
  std::unique_ptr<ports::Database> real_;
  Random random_;
};

// Passes everything on. Those below change one thing.
class PassingBus : public ports::Bus {
 public:
  explicit PassingBus(std::unique_ptr<ports::Bus> real) : real_(std::move(real)) {}
  Status publish(ports::BusMessage message) override { return real_->publish(std::move(message)); }
  Result<std::unique_ptr<ports::BusSubscription>> subscribe(ports::SubscribeOptions options) override {
    return real_->subscribe(std::move(options));
  }
  Task<Result<ports::BusMessage>> request(ports::BusMessage message, Instant deadline) override {
    return real_->request(std::move(message), deadline);
  }
  std::string new_inbox() override { return real_->new_inbox(); }
  Task<Status> flush(Instant deadline) override { return real_->flush(deadline); }
  Task<Status> drain(Instant deadline) override { return real_->drain(deadline); }
  std::size_t max_payload() const override { return real_->max_payload(); }

 private:
  std::unique_ptr<ports::Bus> real_;
};

class MisroutingBus final : public PassingBus {
 public:
  MisroutingBus(std::unique_ptr<ports::Bus> real, Random random) : PassingBus(std::move(real)), random_(random) {}
  Status publish(ports::BusMessage message) override {
    const bool is_answer =
        message.payload.find("\"output\"") != std::string::npos || message.payload.find("\"result\"") != std::string::npos;
    if (is_answer) {
      const std::string own = message.subject;
      if (!last_inbox_.empty() && last_inbox_ != own && random_.chance(1, 4)) message.subject = last_inbox_;
      last_inbox_ = own;
    }
    return PassingBus::publish(std::move(message));
  }

 private:
  Random random_;
  std::string last_inbox_;  // of the answer before
};

class GuessingSessions final : public router::DaemonSessions {
 public:
  explicit GuessingSessions(router::DaemonSessions& real) : real_(real) {}
  Task<Result<model::ToolResult>> execute(model::ToolRequest request, router::OutputSink& sink, Instant deadline) override {
    auto result = co_await real_.execute(std::move(request), sink, deadline);
    if (result.ok() || result.status().code() != StatusCode::kUnavailable) co_return result;
    model::ToolResult guess;
    guess.outcome = model::Outcome::kNotExecuted;
    guess.is_error = true;
    guess.content = "The daemon has gone; the tool was not run.";
    co_return guess;
  }
  Task<Status> command(model::DaemonCommand command, Instant deadline) override {
    return real_.command(std::move(command), deadline);
  }
  bool holds(const UserId& user, const DaemonId& daemon) const override { return real_.holds(user, daemon); }
  std::vector<model::HeldDaemon> held(const UserId& user) const override { return real_.held(user); }
  void superseded(const UserId& user, const DaemonId& daemon, std::int64_t epoch) override {
    real_.superseded(user, daemon, epoch);
  }

 private:
  router::DaemonSessions& real_;
};

class LosingTemporal final : public ports::Temporal {
 public:
  LosingTemporal(std::unique_ptr<ports::Temporal> real, Random random) : real_(std::move(real)), random_(random) {}

#define RELIANT_PASS_ON(name, Name)                                                                               \
  Task<Result<ports::wf::Name##Response>> name(ports::wf::Name##Request request, Instant deadline) override {     \
    if constexpr (std::is_same_v<ports::wf::Name##Request, ports::wf::SignalWithStartWorkflowExecutionRequest>) { \
      if (random_.chance(1, 4)) co_return ports::wf::Name##Response();                                            \
    }                                                                                                             \
    co_return co_await real_->name(std::move(request), deadline);                                                 \
  }
  RELIANT_TEMPORAL_METHODS(RELIANT_PASS_ON)
#undef RELIANT_PASS_ON

 private:
  std::unique_ptr<ports::Temporal> real_;
  Random random_;
};

}  // namespace

Decorators journal_that_forgets() {
  Decorators decorators;
  decorators.journal = [](Node& node, std::unique_ptr<ports::Database> real) -> std::unique_ptr<ports::Database> {
    return std::make_unique<ForgetfulDatabase>(std::move(real), node.random("planted"));
  };
  return decorators;
}

Decorators bus_that_misroutes() {
  Decorators decorators;
  decorators.bus = [](Node& node, std::unique_ptr<ports::Bus> real) -> std::unique_ptr<ports::Bus> {
    return std::make_unique<MisroutingBus>(std::move(real), node.random("planted"));
  };
  return decorators;
}

Decorators gateway_that_guesses() {
  Decorators decorators;
  decorators.sessions = [](Node&, router::DaemonSessions& real) -> std::unique_ptr<router::DaemonSessions> {
    return std::make_unique<GuessingSessions>(real);
  };
  return decorators;
}

Decorators engine_that_loses_signals() {
  Decorators decorators;
  decorators.temporal = [](Node& node, std::unique_ptr<ports::Temporal> real) -> std::unique_ptr<ports::Temporal> {
    return std::make_unique<LosingTemporal>(std::move(real), node.random("planted"));
  };
  return decorators;
}

}  // namespace reliant::sim
