#include "daemon/journal.h"

#include <utility>
#include <variant>

#include "base/digest.h"
#include "base/text.h"
#include "store/group_commit.h"

namespace reliant::daemon {
namespace {

using ports::Blob;
using ports::Rows;
using ports::Transaction;
using store::InDoubt;

constexpr std::string_view kSchema = R"sql(
CREATE TABLE IF NOT EXISTS requests (
  request_id TEXT PRIMARY KEY,
  tool TEXT NOT NULL,
  input_sha256 TEXT NOT NULL,
  effect TEXT NOT NULL,
  run TEXT NOT NULL,
  state TEXT NOT NULL,
  outcome TEXT,
  is_error BIGINT,
  exit_code BIGINT,
  output_chunks BIGINT,
  content BLOB,
  content_sha256 TEXT,
  changed_at BIGINT NOT NULL,
  acknowledged_at BIGINT
);
CREATE INDEX IF NOT EXISTS requests_to_offer ON requests (changed_at, request_id)
  WHERE state = 'finished' AND acknowledged_at IS NULL;
CREATE INDEX IF NOT EXISTS requests_to_forget ON requests (acknowledged_at) WHERE acknowledged_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS outputs (
  request_id TEXT NOT NULL,
  chunk BIGINT NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (request_id, chunk)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS identity (
  id TEXT PRIMARY KEY
) WITHOUT ROWID;
)sql";

// The end of a request, kept only if it is the first one.
constexpr std::string_view kFinish =
    "UPDATE requests SET state = 'finished', outcome = $2, is_error = $3, exit_code = $4, output_chunks = "
    "$5, "
    "content = $6, content_sha256 = $7, changed_at = $8 WHERE request_id = $1 AND state = 'started'";

model::ToolResult interrupted() {
  return model::error_result(model::Outcome::kUnknown,
                             "The daemon was stopped while this tool ran. Whether it did all, a part or nothing of its work is "
                             "not known, and it was not "
                             "run again. Look at the state of things before you repeat it.");
}

model::ToolResult cancelled_before() {
  return model::error_result(model::Outcome::kNotExecuted, "Cancelled before it started.");
}

ports::Values finish_values(const RequestId& id, const model::ToolResult& result, std::int64_t now) {
  return {id.str(),
          std::string(to_string(result.outcome)),
          std::int64_t{result.is_error ? 1 : 0},
          result.exit_code,
          static_cast<std::int64_t>(result.output_chunks),
          Blob{result.content},
          sha256_hex(result.content),
          now};
}

// Columns: outcome, is_error, exit_code, output_chunks, content, content_sha256.
model::ToolResult result_of(const ports::Row& row, std::size_t first) {
  model::ToolResult result;
  result.outcome = model::outcome_from(row.text(first));
  result.is_error = row.integer(first + 1) != 0;
  result.exit_code = row.integer(first + 2);
  result.output_chunks = static_cast<std::uint64_t>(row.integer(first + 3));
  if (row.is_null(first + 4)) {
    result.content = "[The result was delivered before; its text is no longer kept here.]";
    return result;
  }
  result.content = row.bytes(first + 4);
  if (sha256_hex(result.content) == row.text(first + 5)) return result;
  result.outcome = model::Outcome::kUnknown;
  result.is_error = true;
  result.content = "[The stored result is damaged.]";
  return result;
}

Task<Result<std::uint64_t>> last_chunk(Transaction& transaction, RequestId id) {
  CO_TRY_ASSIGN(const Rows rows,
                co_await transaction.execute("SELECT COALESCE(MAX(chunk), 0) FROM outputs WHERE request_id = $1", {id.str()}));
  co_return static_cast<std::uint64_t>(rows[0].integer(0));
}

struct Recover {
  using Value = std::int64_t;  // how many were interrupted
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;
  std::int64_t now;

  Task<Result<Value>> run(Transaction& transaction) {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("SELECT request_id FROM requests WHERE state = 'started' AND effect = $1",
                                               {std::string(to_string(model::Effect::kNonIdempotent))}));
    for (const ports::Row row : rows) {
      const RequestId id(row.text(0));
      model::ToolResult result = interrupted();
      CO_TRY_ASSIGN(result.output_chunks, co_await last_chunk(transaction, id));
      CO_TRY_ASSIGN([[maybe_unused]] const Rows ended, co_await transaction.execute(kFinish, finish_values(id, result, now)));
    }
    co_return static_cast<std::int64_t>(rows.size());
  }
};

struct Knows {
  using Value = bool;
  RequestId id;

  Task<Result<Value>> run(Transaction& transaction) {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute("SELECT 1 FROM requests WHERE request_id = $1", {id.str()}));
    co_return !rows.empty();
  }
};

struct Admit {
  JournalRequest request;
  std::string input;   // digest of tool and arguments
  std::string run_id;  // tells our own earlier attempt from an earlier life
  std::int64_t now;

  Task<Result<Admission>> run(Transaction& transaction) {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("SELECT input_sha256, effect, run, state, outcome, is_error, exit_code, "
                                               "output_chunks, content, content_sha256 FROM requests WHERE request_id = $1",
                                               {request.id.str()}));
    if (rows.empty()) co_return co_await insert(transaction);
    const ports::Row& row = rows[0];
    if (!row.text(0).empty() && row.text(0) != input)
      co_return invalid_argument("request ", request.id.str(), " is known with another tool or other arguments");
    Admission known;
    CO_TRY_ASSIGN(known.last_chunk, co_await last_chunk(transaction, request.id));
    if (row.text(3) == "finished") {
      known.result = result_of(row, 4);
      co_return known;
    }
    if (row.text(2) == run_id) co_return known;
    // As it was started, or as it is asked for now: the more careful of the two.
    const bool repeatable =
        model::effect_from(row.text(1)) != model::Effect::kNonIdempotent && request.effect != model::Effect::kNonIdempotent;
    if (!repeatable) {
      known.result = interrupted();
      known.result->output_chunks = known.last_chunk;
      CO_TRY_ASSIGN([[maybe_unused]] const Rows ended,
                    co_await transaction.execute(kFinish, finish_values(request.id, *known.result, now)));
      co_return known;
    }
    CO_TRY_ASSIGN([[maybe_unused]] const Rows restarted,
                  co_await transaction.execute("UPDATE requests SET run = $2, changed_at = $3 WHERE request_id = $1",
                                               {request.id.str(), run_id, now}));
    known.again = true;
    co_return known;
  }

  Task<Result<Admission>> insert(Transaction& transaction) {
    CO_TRY_ASSIGN([[maybe_unused]] const Rows inserted,
                  co_await transaction.execute(
                      "INSERT INTO requests (request_id, tool, input_sha256, effect, run, state, changed_at) "
                      "VALUES ($1, $2, $3, $4, $5, 'started', $6)",
                      {request.id.str(), request.tool, input, std::string(to_string(request.effect)), run_id, now}));
    co_return Admission{};
  }
};

struct Identify {
  using Value = std::string;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // finds the one that it wrote
  std::string fresh;

  Task<Result<Value>> run(Transaction& transaction) {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute("SELECT id FROM identity", {}));
    if (!rows.empty()) co_return rows[0].text(0);
    CO_TRY_OK((co_await transaction.execute("INSERT INTO identity (id) VALUES ($1)", {fresh})).status());
    co_return fresh;
  }
};

struct Finish {
  RequestId id;
  model::ToolResult result;
  std::int64_t now;

  Task<Result<Admission>> run(Transaction& transaction) {
    CO_TRY_OK((co_await transaction.execute(kFinish, finish_values(id, result, now))).status());
    co_return Admission{};
  }
};

struct Refuse {
  RequestId id;
  std::int64_t now;

  Task<Result<Admission>> run(Transaction& transaction) {
    CO_TRY_ASSIGN(const Rows inserted,
                  co_await transaction.execute(
                      "INSERT INTO requests (request_id, tool, input_sha256, effect, run, state, changed_at) "
                      "VALUES ($1, '', '', 'non_idempotent', '', 'started', $2) ON CONFLICT (request_id) DO NOTHING",
                      {id.str(), now}));
    model::ToolResult result = inserted.changed > 0 ? cancelled_before() : interrupted();
    CO_TRY_ASSIGN(result.output_chunks, co_await last_chunk(transaction, id));
    CO_TRY_OK((co_await transaction.execute(kFinish, finish_values(id, result, now))).status());
    co_return Admission{};
  }
};

struct Acknowledge {
  RequestId id;
  std::int64_t now;

  Task<Result<Admission>> run(Transaction& transaction) {
    CO_TRY_OK((co_await transaction.execute("UPDATE requests SET acknowledged_at = $2 WHERE request_id = $1 AND "
                                            "state = 'finished' AND acknowledged_at IS NULL",
                                            {id.str(), now}))
                  .status());
    CO_TRY_OK((co_await transaction.execute("DELETE FROM outputs WHERE request_id = $1", {id.str()})).status());
    co_return Admission{};
  }
};

struct Prune {
  using Value = std::int64_t;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;
  std::int64_t text_before;
  std::int64_t rows_before;

  Task<Result<Value>> run(Transaction& transaction) {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("DELETE FROM requests WHERE acknowledged_at < $1", {rows_before}));
    CO_TRY_ASSIGN(const Rows texts,
                  co_await transaction.execute(
                      "UPDATE requests SET content = NULL WHERE acknowledged_at < $1 AND content IS NOT NULL", {text_before}));
    co_return rows.changed + texts.changed;
  }
};

struct AddOutput {
  RequestId id;
  OutputChunk chunk;
  std::uint64_t forget;

  Task<Result<Admission>> run(Transaction& transaction) {
    CO_TRY_OK((co_await transaction.execute("DELETE FROM outputs WHERE request_id = $1 AND chunk <= $2",
                                            {id.str(), static_cast<std::int64_t>(forget)}))
                  .status());
    CO_TRY_OK((co_await transaction.execute("INSERT INTO outputs (request_id, chunk, data) VALUES ($1, $2, $3) "
                                            "ON CONFLICT (request_id, chunk) DO NOTHING",
                                            {id.str(), static_cast<std::int64_t>(chunk.number), Blob{chunk.data}}))
                  .status());
    co_return Admission{};
  }
};

// One of those that come while the daemon works. Each may be run again: it finds what it wrote, or writes the same.
struct Change {
  RequestId id;
  std::variant<Admit, Finish, Refuse, Acknowledge, AddOutput> what;
};

struct ChangeAll {
  using Value = std::vector<Result<Admission>>;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;
  std::vector<Change> changes;

  // One that is refused has written nothing: the others stand. After any other error the transaction is over.
  Task<Result<Value>> run(Transaction& transaction) {
    Value answers;
    for (Change& change : changes) {
      auto answer = co_await std::visit([&transaction](auto& what) { return what.run(transaction); }, change.what);
      if (!answer.ok() && answer.status().code() != StatusCode::kInvalidArgument) co_return answer.status();
      answers.push_back(std::move(answer));
    }
    co_return answers;
  }
};

struct ReadResult {
  using Value = std::optional<model::ToolResult>;
  RequestId id;

  Task<Result<Value>> run(Transaction& transaction) {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("SELECT outcome, is_error, exit_code, output_chunks, content, "
                                               "content_sha256 FROM requests WHERE request_id = $1 AND state = 'finished'",
                                               {id.str()}));
    if (rows.empty()) co_return Value();
    co_return Value(result_of(rows[0], 0));
  }
};

struct ReadOutput {
  using Value = std::optional<OutputChunk>;
  RequestId id;
  std::uint64_t after;

  Task<Result<Value>> run(Transaction& transaction) {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("SELECT chunk, data FROM outputs WHERE request_id = $1 AND chunk > $2 "
                                               "ORDER BY chunk LIMIT 1",
                                               {id.str(), static_cast<std::int64_t>(after)}));
    if (rows.empty()) co_return Value();
    co_return Value(OutputChunk{static_cast<std::uint64_t>(rows[0].integer(0)), rows[0].bytes(1)});
  }
};

struct ReadStarted {
  using Value = std::vector<RequestId>;

  Task<Result<Value>> run(Transaction& transaction) {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute(
                                       "SELECT request_id FROM requests WHERE state = 'started' ORDER BY request_id", {}));
    Value ids;
    for (const ports::Row row : rows) ids.emplace_back(row.text(0));
    co_return ids;
  }
};

struct ReadUnacknowledged {
  using Value = std::vector<RequestId>;

  Task<Result<Value>> run(Transaction& transaction) {
    CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute("SELECT request_id FROM requests WHERE state = 'finished' AND "
                                                                "acknowledged_at IS NULL ORDER BY changed_at, request_id",
                                                                {}));
    Value ids;
    for (const ports::Row row : rows) ids.emplace_back(row.text(0));
    co_return ids;
  }
};

std::int64_t micros(Duration duration) { return std::chrono::duration_cast<std::chrono::microseconds>(duration).count(); }

}  // namespace

// What comes while a commit goes to the disk goes there together with the next one: a machine that runs many tools at a time
// waits for its disk once, and not once for each of them.
class Journal::Changes {
 public:
  Changes(Context& context, Clock& clock, store::Transactor& transactor)
      : clock_(clock),
        transactor_(transactor),
        group_(context, {.write = [this](std::vector<Change> changes) { return write(std::move(changes)); },
                         .key_of = [](const Change& change) { return std::pair(change.id.str(), std::string()); }}) {}

  Task<Result<Admission>> submit(Change change, Instant deadline) { return group_.submit(std::move(change), deadline); }

 private:
  Task<Result<std::vector<Result<Admission>>>> write(std::vector<Change> changes) {
    return transactor_.write(ChangeAll{std::move(changes)}, after(clock_.now(), kWriteTimeout));
  }

  Clock& clock_;
  store::Transactor& transactor_;
  store::GroupCommit<Change, Admission> group_;
};

Journal::Journal(Context& context, ports::Database& database, Clock& clock, Random random)
    : transactor_(database, clock, random), changes_(std::make_unique<Changes>(context, clock, transactor_)) {}

Journal::~Journal() = default;

Task<Result<std::vector<RequestId>>> Journal::open(Instant deadline) {
  CO_TRY_OK(co_await transactor_.database().run_script(kSchema, deadline));
  CO_TRY_ASSIGN(id_, co_await transactor_.write(Identify{transactor_.new_id("journal")}, deadline));
  co_return co_await transactor_.read(ReadStarted{}, deadline);
}

Task<Status> Journal::settle(Instant deadline) {
  co_return (co_await transactor_.write(Recover{transactor_.wall_now()}, deadline)).status();
}

Task<Result<Admission>> Journal::admit(JournalRequest request, Instant deadline) {
  RequestId id = request.id;
  const std::string input = sha256_hex(concat(request.tool.size(), ":", request.tool, request.arguments));
  Admit admit{std::move(request), input, transactor_.new_id("run"), transactor_.wall_now()};
  co_return co_await changes_->submit({std::move(id), std::move(admit)}, deadline);
}

Task<Status> Journal::finish(RequestId id, model::ToolResult result, Instant deadline) {
  co_return (co_await changes_->submit({id, Finish{id, std::move(result), transactor_.wall_now()}}, deadline)).status();
}

Task<Status> Journal::refuse(RequestId id, Instant deadline) {
  co_return (co_await changes_->submit({id, Refuse{id, transactor_.wall_now()}}, deadline)).status();
}

Task<Result<bool>> Journal::knows(RequestId id, Instant deadline) {
  co_return co_await transactor_.read(Knows{std::move(id)}, deadline);
}
Task<Result<std::optional<model::ToolResult>>> Journal::result(RequestId id, Instant deadline) {
  co_return co_await transactor_.read(ReadResult{std::move(id)}, deadline);
}

Task<Status> Journal::acknowledge(RequestId id, Instant deadline) {
  co_return (co_await changes_->submit({id, Acknowledge{id, transactor_.wall_now()}}, deadline)).status();
}

Task<Result<std::vector<RequestId>>> Journal::unacknowledged(Instant deadline) {
  co_return co_await transactor_.read(ReadUnacknowledged{}, deadline);
}

Task<Status> Journal::prune(Instant deadline) {
  const std::int64_t now = transactor_.wall_now();
  co_return (co_await transactor_.write(Prune{now - micros(kTextKept), now - micros(kRowKept)}, deadline)).status();
}

Task<Status> Journal::add_output(RequestId id, OutputChunk chunk, std::uint64_t forget, Instant deadline) {
  co_return (co_await changes_->submit({id, AddOutput{id, std::move(chunk), forget}}, deadline)).status();
}

Task<Result<std::optional<OutputChunk>>> Journal::output_after(RequestId id, std::uint64_t after_chunk, Instant deadline) {
  co_return co_await transactor_.read(ReadOutput{std::move(id), after_chunk}, deadline);
}

}  // namespace reliant::daemon
