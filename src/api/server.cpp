#include "api/server.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "api/errors.h"
#include "base/cause.h"
#include "base/disk_full.h"
#include "base/text.h"
#include "runtime/deadline.h"

namespace reliant::api {
namespace {

constexpr Duration kReadyTimeout = std::chrono::seconds(2);
constexpr std::size_t kBytesOfACall = std::size_t{128} << 10;  // besides its body
constexpr std::size_t kBytesOfAPage = std::size_t{4} << 20;    // of large items: rows, JSON and text of a megabyte
constexpr Duration kRoomTimeout = std::chrono::seconds(10);

}  // namespace

ApiServer::ApiServer(Context& context, RandomStreams random, ApiPorts ports, ApiOptions options)
    : clock_(ports.clock),
      log_(ports.log),
      http_server_(ports.http_server),
      store_(ports.store),
      workflows_(ports.workflows),
      options_(std::move(options)),
      request_ids_(random.stream("api/request-ids")),
      gate_(ports.authenticator, clock_, options_.limits),
      budgets_(options_.limits.call_bytes),
      quotas_(store_, clock_, options_.limits),
      signaller_(workflows_, store_, options_.task_queue),
      projects_(store_, options_.limits),
      chats_(store_, signaller_, workflows_, clock_, options_.limits),
      messages_(store_, ports.hub, signaller_, clock_, log_, options_.limits),
      updates_(store_, ports.authenticator, ports.hub, clock_, log_, large_reads_, options_.limits, options_.streams),
      daemons_(store_, ports.router, ports.control_plane, clock_),
      tokens_(store_, ports.secrets, clock_, log_, options_.limits),
      sweeper_(store_, signaller_, clock_, random.stream("api/sweeper"), log_, options_.sweeper),
      reconciler_(store_, signaller_, workflows_, ports.hub, clock_, random.stream("api/reconciler"), log_,
                  options_.reconciler),
      scope_(context) {}

ApiServer::~ApiServer() = default;

Status ApiServer::start() {
  TRY_ASSIGN(listener_, http_server_.listen(options_.listen_address, *this, options_.http_server_limits));
  scope_.spawn(sweeper_.run());
  scope_.spawn(reconciler_.run());
  scope_.spawn(updates_.look_tokens_up());
  log_.info("api.started", {{"address", listener_->address()}});
  return ok_status();
}

Task<void> ApiServer::stop(Instant deadline) {
  stopping_ = true;
  updates_.stop();
  if (listener_) co_await listener_->drain(deadline);
  scope_.cancel();
  co_await scope_.join();
  log_.info("api.stopped");
}

const std::string& ApiServer::address() const {
  RELIANT_ASSERT(listener_ != nullptr, "the address of an ApiServer is known after start()");
  return listener_->address();
}

// A client's own id is kept, so that its log and ours can be read side by side.
std::string ApiServer::request_id(const ports::HttpServerRequest& request) {
  const auto given = request.headers.find("x-request-id");
  if (given != request.headers.end() && valid_id(given->second)) return given->second;
  return concat("req_", request_ids_.hex(16));
}

// What is known of a call before its body is read.
struct ApiServer::Admission {
  const Route* route = nullptr;
  Call call;  // its request is not there yet
  std::optional<CallBudgets::Place> place;
  std::optional<ByteBudget::Share> share;  // of the place
};

Task<std::optional<ports::HttpServerResponse>> ApiServer::admit(ports::HttpServerRequest& head) {
  auto admission = std::make_shared<Admission>();
  Call& call = admission->call;
  call.request_id = request_id(head);
  call.deadline = after(clock_.now(), options_.call_time);
  Result<FoundRoute> found = find_route(head.method, head.path);
  Status admitted = found.status();
  if (found.ok()) {
    admission->route = found->route;
    call.id = std::move(found->id);
    if (found->route->traits.caller == CallerKind::kUser) {
      const Instant soon = std::min(call.deadline, after(clock_.now(), options_.admission_time));
      auto caller = co_await gate_.admit(head, soon);
      admitted = caller.status();
      if (admitted.code() == StatusCode::kDeadlineExceeded) admitted = unavailable("the token could not be checked in time");
      if (caller.ok()) {
        call.user = std::move(caller->user);
        call.token = std::move(caller->token);
      }
      if (admitted.ok()) admitted = co_await make_room(*admission, head);
    }
  }
  if (!admitted.ok()) co_return response_of(std::move(admitted), call.request_id, head.method, head.path);
  head.admission = std::move(admission);
  co_return std::nullopt;
}

// A stream of updates has limits of its own (Limits::streams_per_user, StreamOptions::user_bytes).
Task<Status> ApiServer::make_room(Admission& admission, const ports::HttpServerRequest& head) {
  if (admission.route->is_stream()) co_return ok_status();
  std::size_t bytes = kBytesOfACall;
  const auto length = head.headers.find("content-length");
  const auto encoding = head.headers.find("transfer-encoding");
  std::size_t body = encoding == head.headers.end() ? 0 : options_.http_server_limits.max_body;
  if (length != head.headers.end()) std::from_chars(length->second.data(), length->second.data() + length->second.size(), body);
  bytes += 2 * std::min(body, options_.http_server_limits.max_body);  // as it came, and as it is read
  if (admission.route->traits.answer == AnswerSize::kPage) bytes += kBytesOfAPage;
  CallBudgets::Place& place = admission.place.emplace(budgets_, admission.call.user);
  auto share = co_await with_deadline(place.bytes().take(bytes), after(clock_.now(), kRoomTimeout));
  if (!share) {
    co_return with_retry_after(with_reason(resource_exhausted("your calls under way hold ", place.bytes().used(),
                                                              " bytes of the ", options_.limits.call_bytes,
                                                              " that a user may hold at a time; wait for their answers first"),
                                           "LIMIT_CALL_BYTES"),
                               std::chrono::seconds(5));
  }
  admission.share.emplace(*std::move(share));
  co_return ok_status();
}

Task<void> ApiServer::handle(ports::HttpServerRequest request, ports::HttpResponder& responder) {
  const auto admission = std::static_pointer_cast<Admission>(request.admission);
  RELIANT_ASSERT(admission != nullptr, "a request is admitted before it is handled");
  request.admission = nullptr;
  Call call = admission->call;
  const std::string id = call.request_id;
  const std::string method = request.method;
  const std::string path = request.path;
  call.request = std::move(request);
  Answer answered = internal_error("the handler gave no answer");
  if (admission->route->is_stream()) {
    const Status followed = co_await updates_.follow(std::move(call), responder);
    if (followed.ok()) co_return;
    answered = followed;
  } else {
    answered = co_await answer(*admission->route, std::move(call));
  }
  // A client that has gone is no concern of ours. The share is held until the answer has been taken.
  (void)co_await responder.reply(response_of(std::move(answered), id, method, path));
}

ports::HttpServerResponse ApiServer::response_of(Answer answered, const std::string& id, const std::string& method,
                                                 const std::string& path) {
  const Status failure = answered.status();
  ports::HttpServerResponse response = failure.ok() ? *std::move(answered) : error_response(failure, id, path);
  response.headers["x-request-id"] = id;
  if (reason_of(failure) == kReasonDiskFull) store_.writable().suspect();
  if (response.status >= 500 || hides_cause(failure)) {
    log_.warning(
        "api.call.failed",
        {{"request", id}, {"method", method}, {"path", path}, {"status", response.status}, {"error", described(failure)}});
  } else {
    log_.debug("api.call.answered", {{"request", id}, {"method", method}, {"path", path}, {"status", response.status}});
  }
  return response;
}

Task<Answer> ApiServer::answer(const Route& route, Call call) {
  CO_TRY_OK(co_await quotas_.admit(route.traits.quota, call.user, call.deadline));
  if (route.traits.answer == AnswerSize::kSmall) co_return co_await route.handler(endpoints_, std::move(call));
  const auto turn = co_await large_reads_.lock(call.user, call.deadline);
  if (!turn) co_return deadline_exceeded("other pages that you asked for were not read in time; ask for fewer at once");
  co_return co_await route.handler(endpoints_, std::move(call));
}

Task<Answer> ApiServer::health(Call) { co_return json_response(200, {{"status", "alive"}}); }

Task<Answer> ApiServer::ready(Call) {
  if (stopping_) co_return with_reason(unavailable("stopping"), kReasonStopping);
  const Instant deadline = after(clock_.now(), kReadyTimeout);
  const auto not_ready = [this](std::string_view what, const Status& why) {
    log_.warning("api.not_ready", {{"check", what}, {"error", described(why)}});
    return with_reason(unavailable("the ", what, " does not answer"), kReasonNotReady);
  };
  const auto user = co_await store_.users().find(UserId("ready"), deadline);
  if (!user.ok() && user.status().code() != StatusCode::kNotFound) {
    co_return not_ready("database", user.status());
  }
  const Status written = co_await store_.writable().check(deadline);
  if (reason_of(written) == kReasonDiskFull) {
    log_.warning("api.not_ready", {{"check", "disk"}, {"error", described(written)}});
    co_return with_reason(unavailable("there is no room on the disk of the database"), kReasonNotReady);
  }
  if (!written.ok()) co_return not_ready("database", written);
  const auto workflow = co_await workflows_.describe("ready", "", deadline);
  if (!workflow.ok() && workflow.status().code() != StatusCode::kNotFound) {
    co_return not_ready("workflow engine", workflow.status());
  }
  co_return json_response(200, {{"status", "ready"}});
}

}  // namespace reliant::api
