// ApiServer: the role that clients talk to (R3, R26 to R34). It keeps nothing (R27): what a call says and
// what it answers is in the database, Temporal and the update hub, so that any number of replicas serve the
// same users, and a client may go on with another one at any time.
//
// A message's life begins here: stored, announced, its workflow signalled (started if need be), 202. What
// could not be signalled is signalled by some replica's sweeper: nothing that was accepted is lost. Owner:
// the composition root; destroyed after stop(), or at any time: calls under way are then cut off. Executor:
// the logic thread. Failures go to the client as error objects (api/errors.h).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/auth.h"
#include "api/call.h"
#include "api/call_budget.h"
#include "api/chats.h"
#include "api/daemons.h"
#include "api/messages.h"
#include "api/projects.h"
#include "api/quotas.h"
#include "api/reconciler.h"
#include "api/router.h"
#include "api/signaller.h"
#include "api/sweeper.h"
#include "api/tokens.h"
#include "api/updates.h"
#include "auth/authenticator.h"
#include "auth/secret_source.h"
#include "base/event_log.h"
#include "ports/http_server.h"
#include "runtime/clock.h"
#include "runtime/context.h"
#include "runtime/keyed_mutex.h"
#include "runtime/random.h"
#include "runtime/scope.h"
#include "store/store.h"
#include "temporal/workflow_client.h"
#include "updates/update_hub.h"
#include "workflow/chat_activities.h"

namespace reliant::api {

struct ApiOptions {
  std::string listen_address;                        // "host:port"
  std::string task_queue{workflow::kChatTaskQueue};  // where workers wait for chat workflows
  Duration call_time = std::chrono::seconds(30);
  // For the look at the token, with which each call begins: a database that is down is reported after that.
  Duration admission_time = std::chrono::seconds(2);
  Limits limits;
  ports::HttpServerLimits http_server_limits;
  SweeperOptions sweeper;
  ReconcilerOptions reconciler;
  StreamOptions streams;
};

// What the server stands on; everything outlives it.
struct ApiPorts {
  Clock& clock;
  EventLog& log;
  ports::HttpServer& http_server;
  store::Store& store;
  auth::Authenticator& authenticator;
  updates::UpdateHub& hub;
  temporal::WorkflowClient& workflows;
  router::DaemonRouter& router;
  auth::SecretSource& secrets;
  ports::ControlPlane* control_plane = nullptr;  // null: there is none
};

class ApiServer final : private ports::HttpHandler {
 public:
  ApiServer(Context& context, RandomStreams random, ApiPorts ports, ApiOptions options);
  ~ApiServer() override;

  // Told once, of the first authenticated request (R13). Set before start().
  void set_first_request_observer(FirstRequestObserver& observer) { gate_.set_observer(observer); }

  // Listens and serves from now on. ALREADY_EXISTS: the address is in use.
  Status start();
  // Stops accepting, lets calls end and tells streams to come back; cuts off what is left at `deadline`.
  Task<void> stop(Instant deadline);
  const std::string& address() const;  // after start()
  std::size_t open_streams() const { return updates_.streams(); }

  Task<Answer> health(Call call);
  // R32, C35: what a call would need is there.
  Task<Answer> ready(Call call);

 private:
  struct Admission;

  Task<std::optional<ports::HttpServerResponse>> admit(ports::HttpServerRequest& head) override;
  Task<void> handle(ports::HttpServerRequest request, ports::HttpResponder& responder) override;
  Task<Status> make_room(Admission& admission, const ports::HttpServerRequest& head);
  ports::HttpServerResponse response_of(Answer answered, const std::string& id, const std::string& method,
                                        const std::string& path);
  Task<Answer> answer(const Route& route, Call call);
  std::string request_id(const ports::HttpServerRequest& request);

  Clock& clock_;
  EventLog& log_;
  ports::HttpServer& http_server_;
  store::Store& store_;
  temporal::WorkflowClient& workflows_;
  ApiOptions options_;
  Random request_ids_;
  Gate gate_;
  CallBudgets budgets_;
  // A user's large reads are made one after the other, so that what other users wait for comes in between.
  KeyedMutex<UserId> large_reads_;
  Quotas quotas_;
  Signaller signaller_;
  Projects projects_;
  Chats chats_;
  Messages messages_;
  Updates updates_;
  Daemons daemons_;
  Tokens tokens_;
  const Endpoints endpoints_{*this, projects_, chats_, messages_, daemons_, tokens_};
  Sweeper sweeper_;
  Reconciler reconciler_;
  bool stopping_ = false;
  std::unique_ptr<ports::HttpListener> listener_;  // its handlers use everything above
  TaskScope scope_;                                // sweeper, reconciler, and the look at the tokens of open streams
};

}  // namespace reliant::api
