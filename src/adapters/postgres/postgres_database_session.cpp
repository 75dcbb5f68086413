#include "adapters/postgres/postgres_database_session.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <pqxx/pqxx>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/posix/unique_fd.h"
#include "base/cause.h"
#include "base/disk_full.h"
#include "base/split.h"
#include "base/text.h"

namespace reliant::adapters {

using ports::Access;
using ports::Blob;
using ports::Rows;
using ports::Value;
using ports::Values;

namespace {

constexpr char kEscape = '\x01';
constexpr std::string_view kHexDigits = "0123456789abcdef";
// Types as PostgreSQL numbers them (pg_type.dat); they never change.
enum : pqxx::oid {
  kBool = 16,
  kBytea = 17,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kOid = 26,
  kFloat4 = 700,
  kFloat8 = 701,
  kNumeric = 1700
};

void add_hex(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 15];
}

std::optional<char> from_hex(std::string_view text, std::size_t at) {
  if (at + 2 > text.size()) return std::nullopt;
  const std::size_t high = kHexDigits.find(text[at]);
  const std::size_t low = kHexDigits.find(text[at + 1]);
  if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
  return static_cast<char>(high << 4 | low);
}

// The length of the well-formed character at the front, 0: there is none (RFC 3629).
std::size_t character_at(std::string_view text) {
  const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const unsigned second = byte(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second >= 0xa0;
  return overlong || surrogate || (first == 0xf4 && second >= 0x90) ? 0 : length;
}

Status lost() { return unavailable("the connection to the database was lost; nothing was written"); }
Status in_doubt() {
  return with_reason(unknown("the connection to the database was lost while committing"), kReasonCommitUnknown);
}

// libpq ends its messages with a line break, and some have several lines. Those that begin with a tab are hints ("Is the server
// running on that host?"): the remedy is for our own message.
std::string one_line(std::string_view text) {
  std::string out;
  bool hint = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      const bool was_hint = std::exchange(hint, text.substr(i).starts_with("\n\t"));
      if (was_hint && !hint && i + 1 < text.size()) out += ';';  // the next host's message
    }
    if (hint) continue;
    const bool space = c == '\n' || c == '\t' || c == ' ';
    if (!space) out += c;
    if (space && !out.empty() && out.back() != ' ') out += ' ';
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

Status failed(StatusCode code, const std::exception& error, std::string_view sqlstate = {}) {
  const Status status = make_status(code, "the database has refused a statement");
  return with_cause(status, sqlstate.empty() ? one_line(error.what()) : concat(one_line(error.what()), " (", sqlstate, ")"));
}

bool asks_only(std::string_view sql) {
  constexpr std::string_view kSelect = "SELECT";
  while (!sql.empty() && (sql.front() == ' ' || sql.front() == '\n')) sql.remove_prefix(1);
  return sql.starts_with(kSelect);
}

template <class Number>
Value number_of(const pqxx::field& field) {
  Number number{};
  std::from_chars(field.c_str(), field.c_str() + field.size(), number);
  return number;
}

Value value_of(const pqxx::field& field, pqxx::oid type) {
  if (field.is_null()) return std::monostate();
  const std::string_view text(field.c_str(), field.size());
  switch (type) {
    case kBool:
      return std::int64_t{text == "t" ? 1 : 0};
    case kInt2:
    case kInt4:
    case kInt8:
    case kOid:
      return number_of<std::int64_t>(field);
    case kFloat4:
    case kFloat8:
      return number_of<double>(field);
    case kNumeric:  // of SUM over whole numbers
      return text.find('.') == std::string_view::npos ? number_of<std::int64_t>(field) : number_of<double>(field);
    case kBytea: {
      std::string bytes;
      for (std::size_t i = 2; i < text.size(); i += 2) bytes += from_hex(text, i).value_or('\0');
      return Blob{std::move(bytes)};
    }
    default:
      return text_of_postgres(text);
  }
}

Rows rows_of(const pqxx::result& result, bool asked_only) {
  Rows rows(result.columns());
  for (pqxx::result::size_type r = 0; r < result.size(); ++r) {
    for (pqxx::row::size_type c = 0; c < result.columns(); ++c) rows.add(value_of(result[r][c], result.column_type(c)));
    rows.end_row();
  }
  rows.changed = asked_only ? 0 : static_cast<std::int64_t>(result.affected_rows());
  return rows;
}

// As text: the server knows from the statement which type is meant. Nullopt: NULL.
std::optional<std::string> parameter_of(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* text = std::get_if<std::string>(&value)) return postgres_text(*text);
  if (const auto* real = std::get_if<double>(&value)) {
    std::array<char, 64> digits{};
    return std::string(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), *real).ptr);
  }
  if (const auto* blob = std::get_if<Blob>(&value)) {
    std::string out = "\\x";
    for (const char c : blob->bytes) add_hex(out, c);
    return out;
  }
  return std::nullopt;
}

}  // namespace

std::string postgres_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_at(text.substr(at));
    if (length == 0 || text[at] == '\0' || text[at] == kEscape) {
      out += kEscape;
      add_hex(out, text[at++]);
    } else {
      out += text.substr(at, length);
      at += length;
    }
  }
  return out;
}

std::string text_of_postgres(std::string_view stored) {
  std::string out;
  out.reserve(stored.size());
  for (std::size_t at = 0; at < stored.size(); ++at) {
    const std::optional<char> escaped = stored[at] == kEscape ? from_hex(stored, at + 1) : std::nullopt;
    out += escaped.value_or(stored[at]);
    if (escaped) at += 2;
  }
  return out;
}

constexpr std::string_view kNoRoomLeft = "53100";  // disk_full

StatusCode code_of_sqlstate(std::string_view state) {
  struct Entry {
    std::string_view prefix;
    StatusCode code;
  };
  static constexpr Entry kCodes[] = {
      {"23505", StatusCode::kAlreadyExists},    // unique_violation
      {"42P07", StatusCode::kAlreadyExists},    // duplicate_table: also IF NOT EXISTS, when two make it at once
      {"42710", StatusCode::kAlreadyExists},    // duplicate_object: the type that goes with a table
      {"23", StatusCode::kFailedPrecondition},  // another constraint
      {"40", StatusCode::kAborted},             // serialization_failure, deadlock_detected
      {"55P03", StatusCode::kAborted},          // lock_not_available
      {"25P03", StatusCode::kUnavailable},      // idle_in_transaction_session_timeout
      {"57", StatusCode::kUnavailable},         // shutdown, cancel
      {"53300", StatusCode::kUnavailable},      // too_many_connections
      {"53", StatusCode::kResourceExhausted},   // disk_full, out_of_memory
      {"58", StatusCode::kUnavailable},         // io_error
      {"08P01", StatusCode::kInternal},         // protocol_violation: too few parameters
      {"08", StatusCode::kUnavailable},         // connection_exception
      {"XX001", StatusCode::kDataLoss},         // data_corrupted
      {"XX002", StatusCode::kDataLoss},         // index_corrupted
  };
  for (const Entry& entry : kCodes)
    if (state.starts_with(entry.prefix)) return entry.code;
  return StatusCode::kInternal;
}

Result<std::string> postgres_connection_string(const PostgresOptions& options) {
  const std::string& url = options.url;
  if (!url.starts_with("postgres://") && !url.starts_with("postgresql://"))
    return invalid_argument("the URL of the database has to begin with postgres://: postgres://user@host:5432/database");
  if (url.find_first_of(" \t\r\n") != std::string::npos)
    return invalid_argument("the URL of the database has white space in it: write it as %20");
  std::string out = url;
  const auto add = [&out](std::string_view name, const std::string& value) {
    if (out.find(concat(name, "=")) != std::string::npos) return;  // a parameter in the URL takes precedence
    out += concat(out.find('?') == std::string::npos ? "?" : "&", name, "=", value);
  };
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(options.connect_timeout);
  add("connect_timeout", std::to_string(seconds.count()));
  add("keepalives_idle", "10");
  add("tcp_user_timeout", "15000");
  add("application_name", "reliant");
  // Of several hosts, the one that takes writes; a standby alone is no database to us.
  add("target_session_attrs", "read-write");
  return out;
}

std::optional<std::string> unverified_postgres_host(std::string_view url) {
  for (const std::string_view mode : {"sslmode=verify-full", "sslmode=verify-ca"})
    if (url.find(mode) != std::string_view::npos) return std::nullopt;
  const std::size_t scheme = url.find("://");
  std::string_view hosts = scheme == std::string_view::npos ? url : url.substr(scheme + 3);
  hosts = hosts.substr(0, hosts.find_first_of("/?"));
  if (const std::size_t at = hosts.rfind('@'); at != std::string_view::npos) hosts.remove_prefix(at + 1);
  for (std::string_view host : split_at_commas(hosts)) {
    const bool bracketed = host.starts_with('[');
    const std::size_t end = bracketed ? host.find(']') : host.find(':');
    host = bracketed ? host.substr(1, end == std::string_view::npos ? end : end - 1) : host.substr(0, end);
    // A path, also an escaped one, is a socket of this machine; so is no host at all.
    const bool here =
        host.empty() || host == "localhost" || host == "::1" || host.starts_with("127.") || host.starts_with("%2");
    if (!here) return std::string(host);
  }
  return std::nullopt;
}

// --- the thread ------------------------------------------------------------------------------------------------------

class PostgresDatabaseSession::Worker final {
 public:
  Worker(std::shared_ptr<Inbox> inbox, Duration idle, std::string connection)
      : inbox_(std::move(inbox)), idle_(idle), connection_string_(std::move(connection)) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    break_off();
    if (thread_.joinable()) thread_.join();
  }

  void ask(Request request, std::function<void(Reply)> told) {
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back({std::move(request), std::move(told), ++last_asked_});
    }
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    changed_.notify_all();
  }

  void break_off() {
    const std::lock_guard lock(socket_mutex_);
    given_up_ = last_asked_;
    if (socket_) ::shutdown(socket_.get(), SHUT_RDWR);
  }

 private:
  struct Asked {
    Request request;
    std::function<void(Reply)> told;
    std::uint64_t number;
  };
  struct GivenUp {};  // the caller no longer waits for the answer
  using Writing = pqxx::transaction<pqxx::serializable, pqxx::read_write>;
  using Reading = pqxx::transaction<pqxx::serializable, pqxx::read_only>;
  using ReadingOne = pqxx::nontransaction;  // the statement is its own transaction, SERIALIZABLE as the connection's default

  void run();
  Reply handle(const Request& request);
  Reply perform(const Request& request);
  Rows execute(const Request& request);
  Result<Rows> read_one(const Request& request);
  Reply commit();
  void begin(Access access);
  void begin_on_connection(Access access);
  void connect();
  void disconnect();
  bool takes_no_writes(const std::string& sqlstate);
  void check_not_given_up() {
    const std::lock_guard lock(socket_mutex_);
    if (handled_ <= given_up_) throw GivenUp();
  }
  bool connected() const { return connection_ != nullptr && connection_->is_open(); }

  const std::shared_ptr<Inbox> inbox_;
  const Duration idle_;
  const std::string connection_string_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Asked> asked_;
  bool stop_ = false;

  // The connection's socket once more, so that it is ours to shut down whatever libpq does with its own.
  std::mutex socket_mutex_;
  UniqueFd socket_;
  // Requests up to this one, also when there was no socket yet to shut down.
  std::uint64_t given_up_ = 0;

  std::uint64_t last_asked_ = 0;  // of the logic thread

  // Of the thread.
  std::uint64_t handled_ = 0;
  std::unique_ptr<pqxx::connection> connection_;
  std::unique_ptr<pqxx::quiet_errorhandler> quiet_;
  std::unique_ptr<pqxx::transaction_base> transaction_;
  bool writing_ = false;
  std::map<std::string, std::string, std::less<>> prepared_;  // SQL -> its name

  std::thread thread_;
};

void PostgresDatabaseSession::Worker::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !asked_.empty(); });
    if (stop_) break;
    Asked asked = std::move(asked_.front());
    asked_.pop_front();
    handled_ = asked.number;
    lock.unlock();
    Reply reply = handle(asked.request);
    inbox_->post([told = std::move(asked.told), reply = std::move(reply)]() mutable { told(std::move(reply)); });
    lock.lock();
  }
  lock.unlock();
  disconnect();
}

PostgresDatabaseSession::Reply PostgresDatabaseSession::Worker::handle(const Request& request) {
  Reply reply = perform(request);
  const bool one = request.kind == Request::Kind::kExecute && request.access == Access::kReadOne;
  if (!reply.ok() || one || request.kind == Request::Kind::kCommit || request.kind == Request::Kind::kScript)
    transaction_.reset();
  if (!connected()) disconnect();
  return reply;
}

PostgresDatabaseSession::Reply PostgresDatabaseSession::Worker::perform(const Request& request) {
  try {
    switch (request.kind) {
      case Request::Kind::kProbe:
        connect();
        disconnect();
        return Rows();
      case Request::Kind::kExecute:
        if (request.access == Access::kReadOne) return read_one(request);
        begin(request.access);
        return execute(request);
      case Request::Kind::kScript:
        begin(Access::kWrite);
        transaction_->exec(request.sql);
        return commit();
      case Request::Kind::kCommit:
        return commit();
      case Request::Kind::kRollback:
        transaction_.reset();
        return Rows();
    }
    return internal_error("no such request");
  } catch (const GivenUp&) {
    // A connection that was made too late is the next one's, and shows that there is a server: from far away it takes its time.
    return connected() ? Reply(Rows()) : Reply(lost());
  } catch (const pqxx::broken_connection& error) {
    if (connection_ == nullptr) {
      return with_reason(with_cause(unavailable("cannot connect to the database"), one_line(error.what())),
                         kReasonNotConnected);
    }
    // libpqxx says so of every error about the protocol: a missing parameter is one.
    return connected() ? failed(StatusCode::kInternal, error) : lost();
  } catch (const pqxx::transaction_rollback& error) {
    return with_cause(aborted("the database could not serialize this transaction; run it again"), one_line(error.what()));
  } catch (const pqxx::sql_error& error) {
    const StatusCode code = code_of_sqlstate(error.sqlstate());
    if (takes_no_writes(error.sqlstate())) {
      disconnect();  // the next connection finds the server that does, or says that there is none
      return unavailable("the database takes no writes: it has become a standby; nothing was written");
    }
    if (!connected() || code == StatusCode::kUnavailable) return lost();
    if (error.sqlstate() != kNoRoomLeft) return failed(code, error, error.sqlstate());
    return with_reason(with_cause(resource_exhausted("there is no room on the disk of the database"), one_line(error.what())),
                       kReasonDiskFull);
  } catch (const std::exception& error) {
    if (!connected()) return lost();
    return failed(StatusCode::kInternal, error);
  }
}

// A server that has become a standby: it refuses the write, or the isolation level already. A write in a transaction that was
// begun for reading is refused by any server: a defect of the caller.
bool PostgresDatabaseSession::Worker::takes_no_writes(const std::string& sqlstate) {
  constexpr std::string_view kReadOnly = "25006";
  constexpr std::string_view kNotSupported = "0A000";
  if (sqlstate == kReadOnly) return writing_;
  if (sqlstate != kNotSupported || !connected()) return false;
  transaction_.reset();
  try {
    return pqxx::nontransaction(*connection_).exec1("SELECT pg_is_in_recovery()")[0].as<bool>();
  } catch (const std::exception&) {
    return true;
  }
}

// Only what the server says in so many words is known: a commit that was refused. All else is in doubt.
PostgresDatabaseSession::Reply PostgresDatabaseSession::Worker::commit() {
  if (transaction_ == nullptr) return Rows();  // nothing was asked in it
  try {
    transaction_->commit();
    return Rows();
  } catch (const pqxx::statement_completion_unknown&) {
    return writing_ ? in_doubt() : lost();
  } catch (const pqxx::transaction_rollback&) {
    throw;
  } catch (const pqxx::integrity_constraint_violation&) {
    throw;
  } catch (const std::exception&) {
    return writing_ ? in_doubt() : lost();
  }
}

Rows PostgresDatabaseSession::Worker::execute(const Request& request) {
  auto known = prepared_.find(request.sql);
  if (known == prepared_.end()) {
    known = prepared_.emplace(request.sql, concat("s", prepared_.size())).first;
    connection_->prepare(known->second, request.sql);
  }
  std::vector<std::optional<std::string>> texts;
  std::vector<const char*> parameters;
  texts.reserve(request.parameters.size());
  for (std::size_t i = 0; i < request.parameters.size(); ++i) texts.push_back(parameter_of(request.parameters[i]));
  parameters.reserve(texts.size());
  for (const auto& text : texts) parameters.push_back(text ? text->c_str() : nullptr);
  const pqxx::result result = transaction_->exec_prepared(known->second, pqxx::prepare::make_dynamic_params(parameters));
  return rows_of(result, asks_only(request.sql));
}

// No BEGIN finds out before that the connection was lost since it was last used; and no server refuses a
// write here.
Result<Rows> PostgresDatabaseSession::Worker::read_one(const Request& request) {
  if (!asks_only(request.sql)) return internal_error("a read of one statement has to begin with SELECT: ", request.sql);
  const bool used_before = connected();
  begin(request.access);
  try {
    return execute(request);
  } catch (const pqxx::broken_connection&) {
    if (connected() || !used_before) throw;
  } catch (const pqxx::sql_error& error) {
    if (!used_before || code_of_sqlstate(error.sqlstate()) != StatusCode::kUnavailable) throw;
  }
  connect();
  begin(request.access);
  return execute(request);
}

void PostgresDatabaseSession::Worker::begin(Access access) {
  if (transaction_ != nullptr) return;
  writing_ = access == Access::kWrite;
  if (connected()) {
    try {
      return begin_on_connection(access);
    } catch (const pqxx::broken_connection&) {  // since it was last used: nothing has begun
    } catch (const pqxx::sql_error& error) {
      if (connected() && code_of_sqlstate(error.sqlstate()) != StatusCode::kUnavailable) throw;
    }
  }
  connect();
  begin_on_connection(access);
}

void PostgresDatabaseSession::Worker::begin_on_connection(Access access) {
  transaction_.reset();
  switch (access) {
    case Access::kWrite:
      transaction_ = std::make_unique<Writing>(*connection_);
      break;
    case Access::kRead:
      transaction_ = std::make_unique<Reading>(*connection_);
      break;
    case Access::kReadOne:
      transaction_ = std::make_unique<ReadingOne>(*connection_);
      break;
  }
}

void PostgresDatabaseSession::Worker::connect() {
  disconnect();
  check_not_given_up();
  auto made = std::make_unique<pqxx::connection>(connection_string_);
  {
    const std::lock_guard lock(socket_mutex_);
    socket_ = UniqueFd(::fcntl(made->sock(), F_DUPFD_CLOEXEC, 0));
  }
  auto quiet = std::make_unique<pqxx::quiet_errorhandler>(*made);
  const auto idle = std::chrono::duration_cast<std::chrono::milliseconds>(idle_).count();
  std::string settings =
      concat("SET client_encoding = 'UTF8'; SET bytea_output = 'hex'; SET extra_float_digits = 1; ",
             "SET default_transaction_isolation = 'serializable'; SET idle_in_transaction_session_timeout = ", idle, ";");
  // So that the server ends what a client that is gone has begun, also while that waits for a lock.
  constexpr int kCanCheckConnection = 140'000;
  if (made->server_version() >= kCanCheckConnection) settings += " SET client_connection_check_interval = 1000;";
  pqxx::nontransaction(*made).exec(settings);
  connection_ = std::move(made);
  quiet_ = std::move(quiet);
  check_not_given_up();
}

void PostgresDatabaseSession::Worker::disconnect() {
  transaction_.reset();
  quiet_.reset();
  prepared_.clear();
  connection_.reset();
  const std::lock_guard lock(socket_mutex_);
  socket_ = UniqueFd();
}

// --- the session -----------------------------------------------------------------------------------------------------

PostgresDatabaseSession::PostgresDatabaseSession(std::shared_ptr<Inbox> inbox, const PostgresOptions& options,
                                                 std::string connection)
    : worker_(std::make_unique<Worker>(std::move(inbox), options.idle_in_transaction, std::move(connection))) {}

PostgresDatabaseSession::~PostgresDatabaseSession() = default;

void PostgresDatabaseSession::ask(Request request, std::function<void(Reply)> told) {
  worker_->ask(std::move(request), std::move(told));
}

void PostgresDatabaseSession::break_off() { worker_->break_off(); }

}  // namespace reliant::adapters
