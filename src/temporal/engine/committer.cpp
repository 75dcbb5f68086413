#include "temporal/engine/committer.h"

#include <utility>

#include "base/cause.h"
#include "base/text.h"
#include "runtime/sleep.h"

namespace reliant::temporal::engine {

namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kBatchBytes = 1u << 20;                  // a batch has one commit more than what exceeds it
constexpr Duration kTurn = std::chrono::seconds(5);            // one try
constexpr Duration kCommitTimeout = std::chrono::seconds(10);  // all attempts together
constexpr Duration kPause = std::chrono::milliseconds(50);

bool nothing_was_written(const Status& status) {
  return is_retryable(status.code()) || status.code() == StatusCode::kDeadlineExceeded ||
         status.code() == StatusCode::kResourceExhausted;
}

}  // namespace

std::size_t Commit::bytes() const {
  std::size_t bytes = 0;
  for (const Write& write : writes) {
    for (std::size_t i = 0; i < write.values.size(); ++i) {
      if (const auto* const blob = std::get_if<ports::Blob>(&write.values[i])) bytes += blob->bytes.size();
    }
  }
  return bytes;
}

void Committer::submit(std::unique_ptr<Commit> commit) {
  queue_.push_back(std::move(commit));
  submitted_.set();
}

Task<void> Committer::run() {
  for (;;) {
    co_await submitted_.wait();
    submitted_.reset();
    while (!queue_.empty()) {
      Batch batch;
      std::size_t bytes = 0;
      while (!queue_.empty() && batch.size() < kBatch && bytes < kBatchBytes) {
        bytes += queue_.front()->bytes();
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
      const Status status = co_await write(batch);
      for (auto& commit : batch) commit->ended(status);
      if (bytes >= kBatchBytes) co_await yield();
    }
  }
}

Task<Status> Committer::write(Batch& batch) {
  const Instant give_up = after(executor_.now(), kCommitTimeout);
  bool in_doubt = false;
  for (;;) {
    const Status status = co_await write_once(batch, after(executor_.now(), kTurn));
    if (status.ok()) co_return status;
    const bool doubtful = status.code() == StatusCode::kUnknown || (in_doubt && status.code() == StatusCode::kAlreadyExists);
    if (doubtful) {
      in_doubt = true;
      log_.warning("temporal.engine.commit.doubtful", {{"error", described(status)}});
      const bool written = co_await was_written(batch.front()->run_id, batch.front()->version);
      if (written) co_return ok_status();
    } else if (!nothing_was_written(status)) {
      log_.error("temporal.engine.commit.failed", {{"error", described(status)}});
      co_return unavailable("the engine's database refused the transaction: ", message_of(status));
    }
    if (executor_.now() >= give_up) {
      log_.warning("temporal.engine.commit.given_up", {{"error", described(status)}});
      co_return unavailable("the engine's database is not available: ", message_of(status));
    }
    co_await sleep_for(kPause);
  }
}

Task<Status> Committer::write_once(Batch& batch, Instant deadline) {
  CO_TRY_ASSIGN(const auto transaction, co_await database_.begin(ports::Access::kWrite, deadline));
  for (const auto& commit : batch) {
    for (const Write& write : commit->writes) {
      const auto rows = co_await transaction->execute(write.sql, write.values);
      if (!rows.ok()) co_return rows.status();
    }
  }
  co_return co_await transaction->commit();
}

Task<bool> Committer::was_written(std::string run_id, std::int64_t version) {
  for (;;) {
    auto transaction = co_await database_.begin(ports::Access::kRead, after(executor_.now(), kTurn));
    if (transaction.ok()) {
      const auto rows = co_await (*transaction)->execute("SELECT version FROM engine_runs WHERE run_id = $1", {run_id});
      if (rows.ok()) co_return !rows->empty() && (*rows)[0].integer(0) >= version;
    }
    co_await sleep_for(kPause);
  }
}

}  // namespace reliant::temporal::engine
