// Rows of a daemon's journal, as another version or a damaged file may have them: of the types of their columns, with any values. A
// journal is opened, and answers for each request; a tool that is not repeatable does not run (C7).
#include <fuzzer/FuzzedDataProvider.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sqlite/sqlite_database.h"
#include "base/digest.h"
#include "daemon/journal.h"
#include "fuzz_input.h"
#include "kernel/sim_clock.h"
#include "runtime/executor.h"
#include "runtime/scope.h"

namespace reliant::daemon {
namespace {

constexpr std::size_t kMostRows = 8;

struct Row {
  std::string id;
  std::string effect;
  std::string state;
  std::string outcome;
  std::string content;
  std::string digest;
  std::int64_t is_error = 0;
  std::int64_t exit_code = 0;
  std::int64_t output_chunks = 0;
  std::int64_t chunk = 0;  // of a row of output
};

Row row_of(FuzzedDataProvider& input, std::size_t number) {
  const auto word = [&](const std::vector<std::string>& words) {
    return input.ConsumeBool() ? words[input.ConsumeIntegralInRange<std::size_t>(0, words.size() - 1)]
                               : input.ConsumeRandomLengthString(16);
  };
  Row row;
  row.id = concat("req_", number);
  row.effect = word({"read_only", "idempotent", "non_idempotent"});
  row.state = word({"started", "finished"});
  row.outcome = word({"executed", "not_executed", "unknown"});
  row.content = input.ConsumeRandomLengthString(64);
  row.digest = word({sha256_hex(row.content), ""});
  row.is_error = input.ConsumeIntegral<std::int64_t>();
  row.exit_code = input.ConsumeIntegral<std::int64_t>();
  row.output_chunks = input.ConsumeIntegral<std::int64_t>();
  row.chunk = input.ConsumeIntegral<std::int64_t>();
  return row;
}

class Machine {
 public:
  template <class T>
  T call(Task<T> task) {
    std::optional<T> value;
    TaskScope scope(executor_, 1);
    scope.spawn(keep(std::move(task), value));
    executor_.run();
    RELIANT_ASSERT(value.has_value(), "a call of the journal ends");
    return *std::move(value);
  }
  Task<Status> insert(Row row) {
    CO_TRY_ASSIGN(auto transaction, co_await database_->begin(ports::Access::kWrite, kNever));
    CO_TRY_OK((co_await transaction->execute(
                   "INSERT INTO requests (request_id, tool, input_sha256, effect, run, state, outcome, is_error, exit_code, "
                   "output_chunks, content, content_sha256, changed_at) "
                   "VALUES ($1, 'bash', '', $2, 'run_0', $3, $4, $5, $6, $7, $8, $9, 1)",
                   {row.id, row.effect, row.state, row.outcome, row.is_error, row.exit_code, row.output_chunks,
                    ports::Blob{row.content}, row.digest}))
                  .status());
    CO_TRY_OK((co_await transaction->execute("INSERT INTO outputs (request_id, chunk, data) VALUES ($1, $2, $3)",
                                             {row.id, row.chunk, ports::Blob{row.content}}))
                  .status());
    co_return co_await transaction->commit();
  }
  Journal& journal() { return journal_; }

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& value) {
    value.emplace(co_await std::move(task));
  }

  Executor executor_{1};
  TaskScope process_{executor_, 1};
  sim::SimClock clock_{executor_, 0};
  std::unique_ptr<adapters::SqliteDatabase> database_ = *adapters::SqliteDatabase::open(":memory:");
  Journal journal_{process_.context(), *database_, clock_, Random(1)};
};

void check_request(Machine& machine, const Row& row) {
  const auto known = machine.call(machine.journal().result(RequestId(row.id), kNever));
  RELIANT_ASSERT(known.ok(), "a row can be read");
  const JournalRequest request{RequestId(row.id), "bash", "{}", model::effect_from(row.effect)};
  const auto admitted = machine.call(machine.journal().admit(request, kNever));
  if (!admitted.ok()) return fuzz::check_refusal(admitted.status());
  const bool repeatable = model::effect_from(row.effect) != model::Effect::kNonIdempotent;
  RELIANT_ASSERT(repeatable || admitted->result.has_value(), "what may not be repeated is not run again (C7)");
  if (row.state != "finished") return;
  RELIANT_ASSERT(admitted->result.has_value() && known->has_value(), "what has finished is answered");
  RELIANT_ASSERT(*admitted->result == **known, "with the same result");
  const bool is_whole = row.digest == sha256_hex(row.content);
  RELIANT_ASSERT(is_whole ? (*known)->content == row.content : (*known)->outcome == model::Outcome::kUnknown,
                 "a damaged result is called unknown");
}

void check_rows(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  Machine machine;
  RELIANT_ASSERT(machine.call(machine.journal().open(kNever)).ok(), "an empty journal opens");
  std::vector<Row> rows;
  while (input.remaining_bytes() > 0 && rows.size() < kMostRows) rows.push_back(row_of(input, rows.size()));
  for (const Row& row : rows) RELIANT_ASSERT(machine.call(machine.insert(row)).ok(), "rows are written");
  RELIANT_ASSERT(machine.call(machine.journal().settle(kNever)).ok(), "a journal is settled");
  RELIANT_ASSERT(machine.call(machine.journal().unacknowledged(kNever)).ok(), "and offers what has finished");
  for (const Row& row : rows) {
    check_request(machine, row);
    const auto output = machine.call(machine.journal().output_after(RequestId(row.id), 0, kNever));
    RELIANT_ASSERT(output.ok() && (row.chunk <= 0 || output->has_value()), "output can be read");
    RELIANT_ASSERT(machine.call(machine.journal().acknowledge(RequestId(row.id), kNever)).ok(), "it can be acknowledged");
  }
  RELIANT_ASSERT(machine.call(machine.journal().prune(kNever)).ok(), "it can be pruned");
}

}  // namespace
}  // namespace reliant::daemon

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reliant::daemon::check_rows(data, size);
  return 0;
}
