// Daemon: the role on the user's machine (R7, R22, R75 to R79, C2, C6 to C12, C43). It keeps one stream to
// some gateway, registers, beats, runs the tools it is asked to run, and answers for each of them exactly
// once. Runs live on while there is no stream.
//
// It comes back by itself: full-jitter backoff over the known addresses (C12), no sooner than a gateway with too much to
// do has asked it to, and a new stream before the old one ends when a gateway drains (C43). The gateway that it had is the
// first of those that it tries, and the last when it fell silent. It gives up for one reason only: the gateway refuses its
// token (model/token.h), which trying again would not change; what to do about it is the caller's decision (C10, C11).
//
// Owner: the composition root. Executor: the logic thread. Destroying it ends what it runs; the next life
// calls that outcome unknown.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/event_log.h"
#include "base/ids.h"
#include "daemon/journal.h"
#include "daemon/runner.h"
#include "daemon/session.h"
#include "ports/database.h"
#include "ports/link.h"
#include "runtime/backoff.h"
#include "runtime/clock.h"
#include "runtime/event.h"
#include "runtime/random.h"
#include "runtime/scope.h"
#include "tools/tool.h"

namespace reliant::daemon {

enum class DaemonKind : std::uint8_t { kLocal, kCloud };

// What can change while the daemon runs.
struct DaemonSettings {
  std::string name;
  std::map<std::string, std::string> labels;
  std::vector<std::string> gateway_addresses;  // at least one
};

struct DaemonOptions {
  DaemonId id;
  std::string name;  // shown to the user (R77)
  DaemonKind kind = DaemonKind::kLocal;
  std::map<std::string, std::string> labels;   // R78
  std::vector<std::string> gateway_addresses;  // at least one
  std::string token;                           // rlnt_pat_…
  std::string version;
  std::string working_directory = "/";            // for requests that name none
  std::size_t max_tools = 32;                     // that run at a time
  std::size_t max_waiting_tools = 256;            // for their turn; more are refused: RESOURCE_EXHAUSTED
  Duration heartbeat = std::chrono::seconds(15);  // unless the gateway asks for another one
  BackoffPolicy backoff;                          // C12
  // Reads its configuration again, when a gateway asks for it; the settings count from the next registration on. May be
  // left out.
  std::function<Result<DaemonSettings>()> read_again;
};

class Daemon {
 public:
  // References outlive the daemon. `processes` are those that the tools start. `journal` is used by the daemon only.
  Daemon(Context& context, Clock& clock, Random random, EventLog& log, ports::LinkTransport& links, tools::ToolRegistry& tools,
         ports::Processes& processes, ports::Database& journal, DaemonOptions options);
  ~Daemon();

  // Opens the journal, once. run() does so, too.
  Task<Status> open();
  // Serves until stop(). OK: stopped. A status of which model::refuses_token is true: the token was refused; may be called
  // again with another one. Otherwise: the journal cannot be opened.
  Task<Status> run();
  // Accepts nothing more, lets what runs finish until `deadline`, and hands over the results; then run()
  // returns.
  Task<void> stop(Instant deadline);

  bool connected() const { return connected_; }
  std::size_t running() const { return runner_.running(); }  // tools
  const DaemonId& id() const { return options_.id; }
  const std::string& name() const { return options_.name; }
  // From the next stream on.
  void set_token(std::string token) { options_.token = std::move(token); }
  const std::string& token() const { return options_.token; }
  // Keeps a renewed token where the daemon's next life finds it, and says whether it is there. Without it tokens are not renewed.
  using KeepToken = std::function<Task<Status>(std::string token)>;
  void set_keep_token(KeepToken keep) { keep_token_ = std::move(keep); }

 private:
  struct Opened {
    std::unique_ptr<Session> session;
    std::string address;
    std::int64_t epoch = 0;
  };

  Task<Status> serve_for_ever();
  Task<Status> serve(Opened opened);
  Task<bool> move_on(Opened& opened);
  Task<Result<Opened>> connect(std::string address);
  Duration wait_after(const Status& end, Duration at_least, Backoff& backoff);
  void learn(const proto::Registered& registered);
  Status reload();
  void began(const Opened& opened, const proto::Registered& registered);
  void ended(const Opened& opened, const Status& why);
  std::vector<std::string> addresses() const;
  std::string next_address();

  Context& context_;
  Clock& clock_;
  EventLog& log_;
  ports::LinkTransport& links_;
  tools::ToolRegistry& tools_;
  DaemonOptions options_;
  Random random_;
  Backoff backoff_;
  Journal journal_;
  Runner runner_;
  std::vector<std::string> live_;    // gateways, as the last one told: itself, and the others
  std::vector<std::string> silent_;  // what that one is called, if it was lost by silence
  std::size_t attempt_ = 0;          // which address comes next
  std::size_t failed_ = 0;           // attempts since the last stream
  std::string token_used_;           // by the last attempt
  KeepToken keep_token_;
  bool connected_ = false;
  Event stopping_;
  Event stopped_;  // run() has returned
  bool running_ = false;
  bool opened_ = false;  // the journal
  TaskScope scope_;      // last: its tasks use everything above
};

}  // namespace reliant::daemon
