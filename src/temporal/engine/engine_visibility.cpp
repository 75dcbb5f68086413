// Which workflows there are, and who works for them: lists, counts, task queues.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/text.h"
#include "runtime/sleep.h"
#include "temporal/engine/engine_impl.h"

namespace reliant::temporal::engine {

namespace enums = api::enums::v1;

namespace {

constexpr std::int32_t kLargestPage = 1000;
constexpr std::size_t kPageBytes = 2u << 20;  // below what clients take in one message

std::string encode(const VisibleRun& run, std::string query) {
  pb::VisibilityToken token;
  token.set_run_id(run.run_id);
  token.set_workflow_id(run.workflow_id);
  token.set_workflow_type(run.workflow_type);
  token.set_task_queue(run.task_queue);
  token.set_status(run.status);
  token.set_start_time(run.start_time);
  token.set_execution_time(run.execution_time);
  token.set_closed_at(run.closed_at);
  token.set_query(std::move(query));
  return token.SerializeAsString();
}

// Nullopt: the first page.
Result<std::optional<VisibleRun>> decode(const std::string& bytes, const std::string& query) {
  if (bytes.empty()) return std::optional<VisibleRun>();
  pb::VisibilityToken token;
  if (!token.ParseFromString(bytes) || token.run_id().empty() || token.query() != query) {
    return invalid_field("next_page_token", "NextPageToken belongs to another query or server; start from the first page.");
  }
  return std::optional(VisibleRun{.run_id = token.run_id(),
                                  .workflow_id = token.workflow_id(),
                                  .workflow_type = token.workflow_type(),
                                  .task_queue = token.task_queue(),
                                  .status = token.status(),
                                  .start_time = token.start_time(),
                                  .execution_time = token.execution_time(),
                                  .closed_at = token.closed_at()});
}

std::string time_range(std::string_view field, const api::filter::v1::StartTimeFilter& filter) {
  const auto nanos_of = [](const google::protobuf::Timestamp& time) {
    return std::clamp<std::int64_t>(time.seconds(), -9'000'000'000, 9'000'000'000) * 1'000'000'000 + time.nanos();
  };
  std::string range;
  if (filter.has_earliest_time()) range += concat(" AND ", field, " >= ", nanos_of(filter.earliest_time()));
  if (filter.has_latest_time()) range += concat(" AND ", field, " <= ", nanos_of(filter.latest_time()));
  return range;
}

api::common::v1::Payload keyword(std::string_view word) {
  api::common::v1::Payload payload;
  (*payload.mutable_metadata())["encoding"] = "json/plain";
  (*payload.mutable_metadata())["type"] = "Keyword";
  payload.set_data(concat('"', word, '"'));
  return payload;
}

}  // namespace

template <class Use>
Task<Status> Engine::Impl::each_visible(std::string ns, const VisibilityQuery& query, VisibleRun after, Instant deadline,
                                        Use use) {
  const auto which = query.only_running()  ? VisibilityStore::Which::kRunning
                     : query.only_closed() ? VisibilityStore::Which::kClosed
                                           : VisibilityStore::Which::kAll;
  for (;;) {
    CO_TRY_ASSIGN(std::vector<VisibleRun> found, co_await visibility_.read(ns, std::move(after), which, deadline));
    if (found.empty()) co_return ok_status();
    after = found.back();
    for (VisibleRun& run : found) {
      if (query.matches(run) && !use(std::move(run))) co_return ok_status();
    }
    if (executor_.now() >= deadline) {
      co_return deadline_exceeded("the workflows were not searched in time; narrow the query by ExecutionStatus");
    }
    co_await yield();  // others have their turn between two pieces of a long list
  }
}

Task<Result<Engine::Impl::Listed>> Engine::Impl::list(std::string ns, std::string text, std::int32_t page_size,
                                                      std::string page_token, Instant deadline) {
  CO_TRY_OK(co_await ready(ns, deadline));
  CO_TRY_ASSIGN(const VisibilityQuery query, VisibilityQuery::parse(text));
  if (query.groups_by_status()) {
    co_return invalid_field("query", "invalid query: 'GROUP BY' clause is for CountWorkflowExecutions; leave it out");
  }
  CO_TRY_ASSIGN(const std::optional<VisibleRun> token, decode(page_token, text));
  const auto size = static_cast<std::size_t>(page_size > 0 ? std::min(page_size, kLargestPage) : kLargestPage);
  std::vector<VisibleRun> page;
  bool more = false;
  if (!query.has_order()) {
    CO_TRY_OK(co_await each_visible(ns, query, token.value_or(before_all()), deadline, [&](VisibleRun run) {
      more = page.size() == size;
      if (!more) page.push_back(std::move(run));
      return !more;
    }));
  } else {
    // The first ones behind the token, of all that there are.
    const auto before = [&query](const VisibleRun& a, const VisibleRun& b) { return query.before(a, b); };
    std::set<VisibleRun, decltype(before)> first(before);
    CO_TRY_OK(co_await each_visible(ns, query, before_all(), deadline, [&](VisibleRun run) {
      if (token && !query.before(*token, run)) return true;
      first.insert(std::move(run));
      if (first.size() > size) {
        more = true;
        first.erase(std::prev(first.end()));
      }
      return true;
    }));
    page.assign(first.begin(), first.end());
  }
  CO_TRY_ASSIGN(VisibilityStore::Shown shown, co_await visibility_.show(ns, page, kPageBytes, deadline));
  Listed listed;
  if (more || shown.read < page.size()) listed.next_page_token = encode(page[shown.read - 1], std::move(text));
  listed.executions = std::move(shown.executions);
  co_return listed;
}

Task<Result<wf::ListWorkflowExecutionsResponse>> Engine::Impl::list_workflow_executions(
    wf::ListWorkflowExecutionsRequest request, Instant deadline) {
  CO_TRY_ASSIGN(Listed listed,
                co_await list(request.namespace_(), request.query(), request.page_size(), request.next_page_token(), deadline));
  wf::ListWorkflowExecutionsResponse response;
  for (auto& info : listed.executions) *response.add_executions() = std::move(info);
  response.set_next_page_token(std::move(listed.next_page_token));
  co_return response;
}

Task<Result<wf::ScanWorkflowExecutionsResponse>> Engine::Impl::scan_workflow_executions(
    wf::ScanWorkflowExecutionsRequest request, Instant deadline) {
  CO_TRY_ASSIGN(Listed listed,
                co_await list(request.namespace_(), request.query(), request.page_size(), request.next_page_token(), deadline));
  wf::ScanWorkflowExecutionsResponse response;
  for (auto& info : listed.executions) *response.add_executions() = std::move(info);
  response.set_next_page_token(std::move(listed.next_page_token));
  co_return response;
}

Task<Result<wf::ListOpenWorkflowExecutionsResponse>> Engine::Impl::list_open_workflow_executions(
    wf::ListOpenWorkflowExecutionsRequest request, Instant deadline) {
  std::string query = "ExecutionStatus = 'Running'";
  if (request.has_execution_filter()) query += concat(" AND WorkflowId = ", quoted(request.execution_filter().workflow_id()));
  if (request.has_execution_filter() && !request.execution_filter().run_id().empty()) {
    query += concat(" AND RunId = ", quoted(request.execution_filter().run_id()));
  }
  if (request.has_type_filter()) query += concat(" AND WorkflowType = ", quoted(request.type_filter().name()));
  query += time_range("StartTime", request.start_time_filter());
  CO_TRY_ASSIGN(Listed listed, co_await list(request.namespace_(), std::move(query), request.maximum_page_size(),
                                             request.next_page_token(), deadline));
  wf::ListOpenWorkflowExecutionsResponse response;
  for (auto& info : listed.executions) *response.add_executions() = std::move(info);
  response.set_next_page_token(std::move(listed.next_page_token));
  co_return response;
}

Task<Result<wf::ListClosedWorkflowExecutionsResponse>> Engine::Impl::list_closed_workflow_executions(
    wf::ListClosedWorkflowExecutionsRequest request, Instant deadline) {
  std::string query = "ExecutionStatus != 'Running'";
  if (request.has_execution_filter()) query += concat(" AND WorkflowId = ", quoted(request.execution_filter().workflow_id()));
  if (request.has_execution_filter() && !request.execution_filter().run_id().empty()) {
    query += concat(" AND RunId = ", quoted(request.execution_filter().run_id()));
  }
  if (request.has_type_filter()) query += concat(" AND WorkflowType = ", quoted(request.type_filter().name()));
  if (request.has_status_filter()) {
    query += concat(" AND ExecutionStatus = ", quoted(status_name(request.status_filter().status())));
  }
  query += time_range("CloseTime", request.start_time_filter());
  CO_TRY_ASSIGN(Listed listed, co_await list(request.namespace_(), std::move(query), request.maximum_page_size(),
                                             request.next_page_token(), deadline));
  wf::ListClosedWorkflowExecutionsResponse response;
  for (auto& info : listed.executions) *response.add_executions() = std::move(info);
  response.set_next_page_token(std::move(listed.next_page_token));
  co_return response;
}

Task<Result<wf::CountWorkflowExecutionsResponse>> Engine::Impl::count_workflow_executions(
    wf::CountWorkflowExecutionsRequest request, Instant deadline) {
  CO_TRY_OK(co_await ready(request.namespace_(), deadline));
  CO_TRY_ASSIGN(const VisibilityQuery query, VisibilityQuery::parse(request.query()));
  if (query.has_order()) co_return invalid_field("query", "invalid query: 'ORDER BY' clause is for lists; leave it out");
  std::map<std::int64_t, std::int64_t> counts;  // by status
  CO_TRY_OK(co_await each_visible(request.namespace_(), query, before_all(), deadline, [&counts](const VisibleRun& run) {
    ++counts[run.status];
    return true;
  }));
  wf::CountWorkflowExecutionsResponse response;
  for (const auto& [status, count] : counts) {
    response.set_count(response.count() + count);
    if (!query.groups_by_status()) continue;
    auto& group = *response.add_groups();
    *group.add_group_values() = keyword(status_name(status));
    group.set_count(count);
  }
  co_return response;
}

// In the mode that is deprecated, which SDKs still use, one answer tells of both kinds of tasks.
Task<Result<wf::DescribeTaskQueueResponse>> Engine::Impl::describe_task_queue(wf::DescribeTaskQueueRequest request,
                                                                              Instant deadline) {
  CO_TRY_OK(co_await ready(request.namespace_(), deadline));
  if (request.task_queue().name().empty()) co_return invalid_field("task_queue", "TaskQueue is not set on request.");
  const bool sticky = request.task_queue().kind() == enums::TASK_QUEUE_KIND_STICKY;
  const std::int64_t behind = now() - executor_.now().time_since_epoch().count();
  const auto key_of_type = [&](enums::TaskQueueType type) {
    const bool activities = type == enums::TASK_QUEUE_TYPE_ACTIVITY;
    return QueueKey{request.namespace_(), activities ? Dispatch::Kind::kActivity : Dispatch::Kind::kWorkflow,
                    sticky && !activities, request.task_queue().name()};
  };
  const auto add_pollers = [&](const QueueKey& key, auto& pollers) {
    for (const Poller& each : matching_.pollers(key)) {
      auto& poller = *pollers.Add();
      poller.set_identity(each.identity);
      *poller.mutable_last_access_time() = to_timestamp(each.last_access.time_since_epoch().count() + behind);
      poller.set_rate_per_second(100'000);  // what workers have that set none
    }
  };
  wf::DescribeTaskQueueResponse response;
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"  // SDKs still send it
  if (request.api_mode() == enums::DESCRIBE_TASK_QUEUE_MODE_ENHANCED) {
    if (request.report_task_reachability()) {
      co_return invalid_field("report_task_reachability", "The embedded engine has no versions of workers; leave it out.");
    }
    auto& types = *(*response.mutable_versions_info())[""].mutable_types_info();
    for (const auto type : {enums::TASK_QUEUE_TYPE_WORKFLOW, enums::TASK_QUEUE_TYPE_ACTIVITY}) {
      const auto& wanted = request.task_queue_types();
      if (!wanted.empty() && std::ranges::find(wanted, static_cast<int>(type)) == wanted.end()) continue;
      auto& info = types[type];
      const auto backlog = static_cast<std::int64_t>(matching_.backlog(key_of_type(type)));
      if (request.report_pollers()) add_pollers(key_of_type(type), *info.mutable_pollers());
      if (request.report_stats()) info.mutable_stats()->set_approximate_backlog_count(backlog);
    }
    co_return response;
  }
  const QueueKey key = key_of_type(request.task_queue_type());
  const auto backlog = static_cast<std::int64_t>(matching_.backlog(key));
  add_pollers(key, *response.mutable_pollers());
  if (request.report_stats()) response.mutable_stats()->set_approximate_backlog_count(backlog);
  if (request.include_task_queue_status()) response.mutable_task_queue_status()->set_backlog_count_hint(backlog);
#pragma clang diagnostic pop
  co_return response;
}

}  // namespace reliant::temporal::engine
