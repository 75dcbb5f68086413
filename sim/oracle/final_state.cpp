#include "oracle/final_state.h"

#include <memory>
#include <utility>

namespace reliant::sim {
namespace {

Task<Status> read_chats(ports::Transaction& transaction, FinalState& state) {
  CO_TRY_ASSIGN(const ports::Rows chats,
                co_await transaction.execute("SELECT id, user_id, status, last_sequence FROM chats ORDER BY id", {}));
  for (const ports::Row row : chats) {
    FinalChat& chat = state.chats[row.text(0)];
    chat.id = row.text(0);
    chat.user = row.text(1);
    chat.status = row.text(2);
    chat.last_sequence = static_cast<std::uint64_t>(row.integer(3));
  }
  CO_TRY_ASSIGN(
      const ports::Rows updates,
      co_await transaction.execute("SELECT chat_id, sequence, kind, payload FROM updates ORDER BY chat_id, sequence", {}));
  for (const ports::Row row : updates) {
    state.chats[row.text(0)].updates.push_back(
        FinalUpdate{static_cast<std::uint64_t>(row.integer(1)), row.text(2), row.text(3)});
  }
  CO_TRY_ASSIGN(const ports::Rows messages,
                co_await transaction.execute(
                    "SELECT chat_id, id, sequence, role, signalled, CASE role WHEN 'user' THEN '' ELSE content END "
                    "FROM messages ORDER BY chat_id, sequence",
                    {}));
  for (const ports::Row row : messages) {
    state.chats[row.text(0)].messages.push_back(
        FinalMessage{row.text(1), static_cast<std::uint64_t>(row.integer(2)), row.text(3), row.text(5), row.integer(4) != 0});
  }
  co_return ok_status();
}

Task<Status> read_executions(ports::Transaction& transaction, FinalState& state) {
  CO_TRY_ASSIGN(
      const ports::Rows rows,
      co_await transaction.execute("SELECT request_id, user_id, daemon_id, chat_id, tool, effect, state, "
                                   "outcome, exit_code, is_error, call_id, content, output_chunks FROM tool_executions "
                                   "ORDER BY request_id",
                                   {}));
  for (const ports::Row row : rows) {
    FinalExecution& execution = state.executions[row.text(0)];
    execution.request = row.text(0);
    execution.user = row.text(1);
    execution.daemon = row.text(2);
    execution.chat = row.text(3);
    execution.tool = row.text(4);
    execution.effect = row.text(5);
    execution.state = row.text(6);
    execution.outcome = row.text(7);
    execution.exit_code = row.integer(8);
    execution.is_error = row.integer(9) != 0;
    execution.call = row.text(10);
    execution.content = row.text(11);
    execution.output_chunks = static_cast<std::uint64_t>(row.integer(12));
  }
  co_return ok_status();
}

Task<Status> read_daemons(ports::Transaction& transaction, FinalState& state) {
  CO_TRY_ASSIGN(
      const ports::Rows daemons,
      co_await transaction.execute("SELECT user_id, id, epoch, gateway_id, connection FROM daemons ORDER BY user_id, id", {}));
  for (const ports::Row row : daemons) {
    state.daemons[{row.text(0), row.text(1)}] = FinalDaemon{row.integer(2), row.text(3), row.text(4)};
  }
  CO_TRY_ASSIGN(const ports::Rows projects, co_await transaction.execute("SELECT id FROM projects ORDER BY id", {}));
  for (const ports::Row row : projects) state.projects.insert(row.text(0));
  co_return ok_status();
}

}  // namespace

Task<Status> read_final_state(ports::Database& database, FinalState& state) {
  CO_TRY_ASSIGN(const auto transaction, co_await database.begin(ports::Access::kRead, kNever));
  CO_TRY_OK(co_await read_chats(*transaction, state));
  CO_TRY_OK(co_await read_executions(*transaction, state));
  CO_TRY_OK(co_await read_daemons(*transaction, state));
  co_return co_await transaction->commit();
}

}  // namespace reliant::sim
