#include "store/daemons.h"

#include "base/json.h"
#include "base/text.h"
#include "store/wall_time.h"

namespace reliant::store {

using ports::Row;
using ports::Rows;
using ports::Transaction;

namespace {

json::string json_text(std::string_view text) { return json::string(text.data(), text.size()); }

std::string labels_text(const std::map<std::string, std::string>& labels) {
  json::object object;
  for (const auto& [key, value] : labels) object[key] = json_text(value);
  return to_json(object);
}

std::string tools_text(const std::vector<std::string>& tools) {
  json::array array;
  for (const std::string& tool : tools) array.push_back(json_text(tool));
  return to_json(json::value(array));
}

std::string plain(const json::value& value) {
  const json::string* const text = value.if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

#define DAEMON_COLUMNS \
  "user_id, id, name, kind, labels, tools, epoch, gateway_id, connection, connected_at, last_seen"
#define SELECT_DAEMON                                                                                        \
  "SELECT d.user_id, d.id, d.name, d.kind, d.labels, d.tools, d.epoch, d.gateway_id, d.connection, "         \
  "d.connected_at, d.last_seen, g.last_seen, "                                                               \
  "(SELECT COUNT(*) FROM tool_executions e WHERE e.user_id = d.user_id AND e.daemon_id = d.id "              \
  "AND e.state IN ('pending', 'dispatched', 'running')) "                                                    \
  "FROM daemons d LEFT JOIN gateways g ON g.id = d.gateway_id "

Result<Daemon> daemon_from(const Row& row) {
  const auto labels = parse_json(row.text(4));
  const auto tools = parse_json(row.text(5));
  if (!labels.ok() || !labels->is_object() || !tools.ok() || !tools->is_array())
    return data_loss("daemon ", row.text(1), " cannot be read back");
  Daemon daemon{UserId(row.text(0)),
                DaemonId(row.text(1)),
                row.text(2),
                row.text(3),
                {},
                {},
                row.integer(6),
                GatewayId(row.text(7)),
                model::daemon_connection_from(row.text(8)),
                wall_time(row.integer(9)),
                wall_time(row.integer(10)),
                std::nullopt,
                row.integer(12) > 0};
  if (!row.is_null(11)) daemon.gateway_seen = wall_time(row.integer(11));
  for (const auto& label : labels->get_object())
    daemon.labels[std::string(label.key())] = plain(label.value());
  for (const json::value& tool : tools->get_array()) daemon.tools.push_back(plain(tool));
  return daemon;
}

struct AcceptDaemon {
  using Value = std::int64_t;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // leaves a number out
  DaemonArrival arrival;
  std::int64_t now;

  Task<Result<std::int64_t>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows user,
                  co_await transaction.execute("SELECT 1 FROM users WHERE id = $1", {arrival.user.str()}));
    if (user.empty()) co_return not_found("user ", arrival.user.str(), " does not exist");
    CO_TRY_ASSIGN(
        const Rows rows,
        co_await transaction.execute(
            "INSERT INTO daemons (" DAEMON_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9, $9) "
            "ON CONFLICT (user_id, id) DO UPDATE SET name = excluded.name, kind = excluded.kind, "
            "labels = excluded.labels, tools = excluded.tools, epoch = daemons.epoch + 1, "
            "gateway_id = excluded.gateway_id, connection = excluded.connection, "
            "connected_at = excluded.connected_at, last_seen = excluded.last_seen RETURNING epoch",
            {arrival.user.str(), arrival.id.str(), arrival.name, arrival.kind, labels_text(arrival.labels),
             tools_text(arrival.tools), arrival.gateway.str(),
             std::string(model::to_string(model::DaemonConnection::kFresh)), now}));
    if (arrival.displaces == Displaces::kEveryDaemonOfTheUser) CO_TRY_OK(co_await end_others(transaction));
    co_return rows[0].integer(0);
  }

  // R83: an epoch that nobody has leaves the streams of the user's other daemons behind.
  Task<Status> end_others(Transaction& transaction) const {
    co_return (co_await transaction.execute(
                   "UPDATE daemons SET epoch = epoch + 1, connection = $3 "
                   "WHERE user_id = $1 AND id <> $2 AND connection <> $3",
                   {arrival.user.str(), arrival.id.str(),
                    std::string(model::to_string(model::DaemonConnection::kDisconnected))}))
        .status();
  }
};

Task<Result<Daemon>> daemon_of(Transaction& transaction, UserId user, DaemonId id) {
  CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute(SELECT_DAEMON "WHERE d.user_id = $1 AND d.id = $2",
                                                              {user.str(), id.str()}));
  if (rows.empty()) co_return not_found("daemon ", id.str(), " does not exist");
  co_return daemon_from(rows[0]);
}

struct GetDaemon {
  using Value = Daemon;
  UserId user;
  DaemonId id;
  Task<Result<Daemon>> run(Transaction& transaction) const { return daemon_of(transaction, user, id); }
};

struct SetConnection {
  using Value = std::monostate;
  static constexpr InDoubt kInDoubt =
      InDoubt::kRunAgain;  // one stream has one writer, and others are refused
  UserId user;
  DaemonId id;
  std::int64_t epoch;
  model::DaemonConnection connection;
  std::int64_t now;

  Task<Result<std::monostate>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute("UPDATE daemons SET connection = $4, last_seen = $5 "
                                               "WHERE user_id = $1 AND id = $2 AND epoch = $3",
                                               {user.str(), id.str(), epoch,
                                                std::string(model::to_string(connection)), now}));
    if (rows.changed > 0) co_return std::monostate();
    CO_TRY_ASSIGN(const Daemon daemon, co_await daemon_of(transaction, user, id));
    co_return with_reason(failed_precondition("the stream of epoch ", epoch, " of daemon ", id.str(),
                                              " was replaced by epoch ", daemon.epoch),
                          kReasonSuperseded);
  }
};

struct ListDaemons {
  using Value = std::vector<Daemon>;
  UserId user;

  Task<Result<std::vector<Daemon>>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute(SELECT_DAEMON "WHERE d.user_id = $1 ORDER BY d.id",
                                               {user.str()}));
    std::vector<Daemon> daemons;
    for (const Row row : rows) {
      CO_TRY_ASSIGN(Daemon daemon, daemon_from(row));
      daemons.push_back(std::move(daemon));
    }
    co_return daemons;
  }
};

#undef SELECT_DAEMON
#undef DAEMON_COLUMNS

struct DisconnectAll {
  using Value = std::monostate;
  static constexpr InDoubt kInDoubt = InDoubt::kMark;  // one may have come back to this gateway in between
  GatewayId gateway;

  Task<Result<std::monostate>> run(Transaction& transaction) const {
    CO_TRY_OK((co_await transaction.execute(
                   "UPDATE daemons SET connection = $2 WHERE gateway_id = $1 AND connection <> $2",
                   {gateway.str(), std::string(model::to_string(model::DaemonConnection::kDisconnected))}))
                  .status());
    co_return std::monostate();
  }
};

struct AnnounceGateway {
  using Value = std::monostate;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;
  Gateway gateway;

  Task<Result<std::monostate>> run(Transaction& transaction) const {
    CO_TRY_OK((co_await transaction.execute(
                   "INSERT INTO gateways (id, address, last_seen) VALUES ($1, $2, $3) ON CONFLICT (id) "
                   "DO UPDATE SET address = excluded.address, last_seen = excluded.last_seen",
                   {gateway.id.str(), gateway.address, microseconds_of(gateway.last_seen)}))
                  .status());
    co_return std::monostate();
  }
};

struct WithdrawGateway {
  using Value = std::monostate;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;
  GatewayId id;

  Task<Result<std::monostate>> run(Transaction& transaction) const {
    CO_TRY_OK((co_await transaction.execute("DELETE FROM gateways WHERE id = $1", {id.str()})).status());
    co_return std::monostate();
  }
};

struct LiveGateways {
  using Value = std::vector<Gateway>;
  std::int64_t since;

  Task<Result<std::vector<Gateway>>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(
        const Rows rows,
        co_await transaction.execute(
            "SELECT id, address, last_seen FROM gateways WHERE last_seen >= $1 ORDER BY id", {since}));
    std::vector<Gateway> gateways;
    for (const Row row : rows)
      gateways.push_back({GatewayId(row.text(0)), row.text(1), wall_time(row.integer(2))});
    co_return gateways;
  }
};

}  // namespace

Task<Result<std::int64_t>> Daemons::accept(DaemonArrival arrival, Instant deadline) {
  return transactor_.write(AcceptDaemon{std::move(arrival), transactor_.wall_now()}, deadline);
}

Task<Status> Daemons::set_connection(UserId user, DaemonId id, std::int64_t epoch,
                                     model::DaemonConnection connection, Instant deadline) {
  co_return (
      co_await transactor_.write(
          SetConnection{std::move(user), std::move(id), epoch, connection, transactor_.wall_now()}, deadline))
      .status();
}

Task<Result<Daemon>> Daemons::get(UserId user, DaemonId id, Instant deadline) {
  return transactor_.read(GetDaemon{std::move(user), std::move(id)}, deadline);
}

Task<Result<std::vector<Daemon>>> Daemons::list(UserId user, Instant deadline) {
  return transactor_.read(ListDaemons{std::move(user)}, deadline);
}

Task<Status> Daemons::disconnect_all(GatewayId gateway, Instant deadline) {
  co_return (co_await transactor_.write(DisconnectAll{std::move(gateway)}, deadline)).status();
}

Task<Status> Gateways::announce(GatewayId id, std::string address, Instant deadline) {
  co_return (
      co_await transactor_.write(
          AnnounceGateway{{std::move(id), std::move(address), wall_time(transactor_.wall_now())}}, deadline))
      .status();
}

Task<Status> Gateways::withdraw(GatewayId id, Instant deadline) {
  co_return (co_await transactor_.write(WithdrawGateway{std::move(id)}, deadline)).status();
}

Task<Result<std::vector<Gateway>>> Gateways::live(Duration lease, Instant deadline) {
  const std::int64_t since =
      transactor_.wall_now() - std::chrono::floor<std::chrono::microseconds>(lease).count();
  return transactor_.read(LiveGateways{since}, deadline);
}

}  // namespace reliant::store
