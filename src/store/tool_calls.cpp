#include "store/tool_calls.h"

#include <utility>
#include <variant>
#include <vector>

#include "store/audit.h"
#include "store/chat_rows.h"
#include "store/execution_rows.h"
#include "store/message_rows.h"
#include "store/wall_time.h"

namespace reliant::store {

using ports::Row;
using ports::Rows;
using ports::Transaction;

namespace {

// Of a stored tool message. The tool of one that is damaged has run, and its result is lost.
model::ToolResult result_in(const std::string& stored) {
  const Result<model::Content> content = content_from(stored);
  const auto* block = content.ok() && !content->empty() ? std::get_if<model::ToolResultBlock>(&content->front()) : nullptr;
  return block != nullptr ? block->result : model::ToolResult{model::Outcome::kUnknown, true, {}, 0, 0};
}

struct FindToolCall {
  using Value = ToolCallState;
  static constexpr std::size_t kContent = kExecutionColumns;
  UserId user;
  ChatId chat;
  std::string key;
  RequestId request;

  Task<Result<ToolCallState>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(
        const Rows rows,
        co_await transaction.execute(
            "SELECT " EXECUTION_COLUMNS_OF("x.") ", m.content, c.active_daemon, p.path FROM chats c "
                                                 "JOIN projects p ON p.id = c.project_id "
                                                 "LEFT JOIN messages m ON m.chat_id = c.id AND m.dedup_key = $3 "
                                                 "LEFT JOIN tool_executions x ON x.request_id = $4 AND x.user_id = c.user_id "
                                                 "WHERE c.id = $1 AND c.user_id = $2",
            {chat.str(), user.str(), step_key(key), request.str()}));
    if (rows.empty()) co_return no_chat(chat);
    const Row row = rows[0];
    ToolCallState state;
    if (!row.is_null(0)) state.execution = execution_from(row);
    if (!row.is_null(kContent)) state.told = result_in(row.text(kContent));
    state.chosen = DaemonId(row.text(kContent + 1));
    state.working_directory = row.text(kContent + 2);
    co_return state;
  }
};

struct StartToolCall {
  using Value = StartedToolCall;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // finds its own request, and how far its stream has come
  ToolCallStart start;
  WallTime now;

  const std::string& contended() const { return start.request.chat.str(); }
  Task<Result<StartedToolCall>> run(Transaction& transaction) const {
    const model::ToolRequest& request = start.request;
    StartedToolCall started;
    started.execution.request = request;
    started.execution.created_at = now;
    if (model::durability_of(request.effect) == model::Durability::kRecorded) {
      CO_TRY_ASSIGN(started.execution, co_await recorded(transaction, std::move(started.execution)));
    } else {
      CO_TRY_OK(co_await append_audit(transaction, {AuditId(concat(request.id.str(), "-", request.daemon.str())), request.user,
                                                    "tool.requested", request.tool, request.daemon, request.chat, now}));
    }
    CO_TRY_ASSIGN(started.last_sequence,
                  co_await append_updates(transaction, request.user, request.chat, start.stream, {start.started}));
    co_return started;
  }

  static Task<Result<Execution>> recorded(Transaction& transaction, Execution execution) {
    CO_TRY_ASSIGN(const bool added, co_await add_execution(transaction, execution));
    if (added) co_return execution;
    CO_TRY_ASSIGN(auto stored, co_await stored_execution(transaction, execution.request.id));
    if (stored && stored->request.user == execution.request.user) co_return *std::move(stored);
    co_return of_somebody_else(execution.request.id);
  }
};

}  // namespace

Task<Result<ToolCallState>> ToolCalls::find(UserId user, ChatId chat, std::string key, RequestId request, Instant deadline) {
  return transactor_.read(FindToolCall{std::move(user), std::move(chat), std::move(key), std::move(request)}, deadline);
}

Task<Result<StartedToolCall>> ToolCalls::start(ToolCallStart start, Instant deadline) {
  return transactor_.write(StartToolCall{std::move(start), wall_time(transactor_.wall_now())}, deadline);
}

}  // namespace reliant::store
