// Reading: histories, forwards with waiting for what comes, and backwards; descriptions.
#include <algorithm>
#include <utility>

#include "base/finally.h"
#include "base/text.h"
#include "temporal/engine/description.h"
#include "temporal/engine/engine_impl.h"

namespace reliant::temporal::engine {

namespace enums = api::enums::v1;

namespace {

std::string encode(const std::string& run_id, std::int64_t next_event_id) {
  pb::HistoryToken token;
  token.set_run_id(run_id);
  token.set_next_event_id(next_event_id);
  return token.SerializeAsString();
}

}  // namespace

// Until the run is changed. False: `deadline` came first. No change after the call is missed.
Task<bool> Engine::Impl::watch(std::string run_id, Instant deadline) {
  const auto mine = watches_.try_emplace(std::move(run_id)).first;
  ++mine->second.watchers;
  const Finally leave([&] {
    if (--mine->second.watchers == 0) watches_.erase(mine);
  });
  const bool changed = co_await mine->second.changed.wait(deadline);
  co_return changed;
}

Task<Result<wf::GetWorkflowExecutionHistoryResponse>> Engine::Impl::get_workflow_execution_history(
    wf::GetWorkflowExecutionHistoryRequest request, Instant deadline) {
  CO_TRY_OK(co_await ready(request.namespace_(), deadline));
  pb::HistoryToken token;
  const bool has_token = !request.next_page_token().empty();
  if (has_token && !token.ParseFromString(request.next_page_token())) {
    co_return invalid_field("next_page_token", "NextPageToken is not one of this server; start from the first page.");
  }
  if (!request.execution().run_id().empty() && has_token && token.run_id() != request.execution().run_id()) {
    co_return invalid_field("next_page_token", "NextPageToken belongs to another run; start from the first page.");
  }
  std::string run_id = has_token ? token.run_id() : request.execution().run_id();
  const bool only_close = request.history_event_filter_type() == enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT;
  const Instant end = poll_end(deadline, options_.history_long_poll);
  const std::int64_t from = std::max<std::int64_t>(1, token.next_event_id());
  wf::GetWorkflowExecutionHistoryResponse response;
  auto& history = *response.mutable_history();
  for (bool waited = false;; waited = true) {
    bool running = false;
    std::int64_t last = 0;
    {
      CO_TRY_ASSIGN(const Session session,
                    co_await open(request.namespace_(), request.execution().workflow_id(), run_id, deadline));
      run_id = session.run->run_id();
      running = session.run->running();
      last = session.run->state().next_event_id() - 1;
    }
    if (token.last_event_id() > 0) last = std::min(last, token.last_event_id());
    const bool something = only_close ? !running : from <= last;
    const bool may_wait = request.wait_new_event() && running && (only_close || has_token) && token.last_event_id() == 0;
    if (something) {
      RunStore::PageLimit limit{options_.history_page_events, options_.history_page_bytes};
      if (request.maximum_page_size() > 0) {
        limit.events = std::min(limit.events, static_cast<std::size_t>(request.maximum_page_size()));
      }
      CO_TRY_ASSIGN(RunStore::Page page, co_await store_.read_history(run_id, only_close ? last : from, last, limit, deadline));
      for (HistoryEvent& event : page.events) *history.add_events() = std::move(event);
      if (page.next_event_id > 0) {
        token.set_run_id(run_id);
        token.set_next_event_id(page.next_event_id);
        response.set_next_page_token(token.SerializeAsString());
      } else if (token.last_event_id() > 0) {
        history.mutable_events()->MergeFrom(token.transient());
      } else if (request.wait_new_event() && running) {
        response.set_next_page_token(encode(run_id, last + 1));
      }
      co_return response;
    }
    if (!may_wait) co_return response;
    const bool late = waited && executor_.now() >= end;
    const bool changed = late ? false : co_await watch(run_id, end);
    if (!changed) {
      response.set_next_page_token(encode(run_id, from));
      co_return response;
    }
  }
}

// The last event first. A page token says which event comes next, so events that are added between two pages do not move it.
Task<Result<wf::GetWorkflowExecutionHistoryReverseResponse>> Engine::Impl::get_workflow_execution_history_reverse(
    wf::GetWorkflowExecutionHistoryReverseRequest request, Instant deadline) {
  CO_TRY_OK(co_await ready(request.namespace_(), deadline));
  pb::HistoryToken token;
  const bool has_token = !request.next_page_token().empty();
  if (has_token && (!token.ParseFromString(request.next_page_token()) || token.next_event_id() < 1)) {
    co_return invalid_field("next_page_token", "NextPageToken is not of this server; start from the first page.");
  }
  if (has_token && !request.execution().run_id().empty() && request.execution().run_id() != token.run_id()) {
    co_return invalid_field("next_page_token", "NextPageToken belongs to another run; start from the first page.");
  }
  std::string run_id = has_token ? token.run_id() : request.execution().run_id();
  std::int64_t last = 0;
  {
    CO_TRY_ASSIGN(const Session session,
                  co_await open(request.namespace_(), request.execution().workflow_id(), run_id, deadline));
    run_id = session.run->run_id();
    last = session.run->state().next_event_id() - 1;
  }
  if (has_token) last = std::min(last, token.next_event_id());
  RunStore::PageLimit limit{options_.history_page_events, options_.history_page_bytes};
  if (request.maximum_page_size() > 0) {
    limit.events = std::min(limit.events, static_cast<std::size_t>(request.maximum_page_size()));
  }
  CO_TRY_ASSIGN(RunStore::Page page, co_await store_.read_history_backwards(run_id, last, limit, deadline));
  wf::GetWorkflowExecutionHistoryReverseResponse response;
  auto& history = *response.mutable_history();
  for (HistoryEvent& event : page.events) *history.add_events() = std::move(event);
  if (page.next_event_id > 0) response.set_next_page_token(encode(run_id, page.next_event_id));
  co_return response;
}

Task<Result<wf::DescribeWorkflowExecutionResponse>> Engine::Impl::describe_workflow_execution(
    wf::DescribeWorkflowExecutionRequest request, Instant deadline) {
  CO_TRY_OK(co_await ready(request.namespace_(), deadline));
  CO_TRY_ASSIGN(const Session session,
                co_await open(request.namespace_(), request.execution().workflow_id(), request.execution().run_id(), deadline));
  co_return describe(*session.run);
}

}  // namespace reliant::temporal::engine
