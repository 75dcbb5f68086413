#include "store/daemons.h"

#include <map>
#include <set>
#include <utility>

#include "base/json.h"
#include "base/parameter_list.h"
#include "base/text.h"
#include "store/tokens.h"
#include "store/wall_time.h"

namespace reliant::store {

using ports::Row;
using ports::Rows;
using ports::Transaction;
using ports::Values;

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

#define DAEMON_COLUMNS "user_id, id, name, kind, labels, tools, epoch, gateway_id, connection, connected_at, last_seen"
#define SELECT_DAEMON                                                                                \
  "SELECT d.user_id, d.id, d.name, d.kind, d.labels, d.tools, d.epoch, d.gateway_id, d.connection, " \
  "d.connected_at, d.last_seen, g.last_seen, "                                                       \
  "(SELECT COUNT(*) FROM tool_executions e WHERE e.user_id = d.user_id AND e.daemon_id = d.id "      \
  "AND e.state <> 'done' AND e.state <> 'lost') "                                                    \
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
  for (const auto& label : labels->get_object()) daemon.labels[std::string(label.key())] = plain(label.value());
  for (const json::value& tool : tools->get_array()) daemon.tools.push_back(plain(tool));
  return daemon;
}

struct AcceptDaemons {
  using Value = std::vector<Result<std::int64_t>>;
  using Key = std::pair<std::string, std::string>;         // user, daemon
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // leaves numbers out
  std::vector<DaemonArrival> arrivals;
  std::int64_t max_per_user;
  std::int64_t now;

  Task<Result<Value>> run(Transaction& transaction) const {
    Values values;
    for (const DaemonArrival& arrival : arrivals) add(values, arrival);
    const Result<Rows> rows = co_await transaction.execute(
        concat("INSERT INTO daemons (" DAEMON_COLUMNS ") VALUES ", parameter_list(arrivals.size(), 11),
               " ON CONFLICT (user_id, id) DO UPDATE SET name = excluded.name, kind = excluded.kind, "
               "labels = excluded.labels, tools = excluded.tools, epoch = daemons.epoch + 1, "
               "gateway_id = excluded.gateway_id, connection = excluded.connection, "
               "connected_at = excluded.connected_at, last_seen = excluded.last_seen RETURNING user_id, id, epoch"),
        std::move(values));
    // The only thing that a daemon refers to is its user.
    if (rows.status().code() == StatusCode::kFailedPrecondition)
      co_return not_found("the user of daemon ", arrivals.front().id.str(), " does not exist");
    CO_TRY_OK(rows.status());
    CO_TRY_OK(co_await record_uses(transaction, used_tokens(), now));
    std::map<Key, std::int64_t> epochs;
    for (const Row row : *rows) epochs[{row.text(0), row.text(1)}] = row.integer(2);
    CO_TRY_ASSIGN(const std::set<Key> surplus, co_await take_surplus_back(transaction, epochs));
    Value answers;
    for (const DaemonArrival& arrival : arrivals) {
      const Key key{arrival.user.str(), arrival.id.str()};
      if (surplus.contains(key)) {
        answers.emplace_back(too_many(arrival));
        continue;
      }
      answers.emplace_back(epochs[key]);
      if (arrival.displaces == Displaces::kEveryDaemonOfTheUser) CO_TRY_OK(co_await end_others(transaction, arrival));
    }
    co_return answers;
  }

  // Most arrivals are daemons that come back: only a new one, whose epoch is the first, can be one too many.
  Task<Result<std::set<Key>>> take_surplus_back(Transaction& transaction, const std::map<Key, std::int64_t>& epochs) const {
    std::set<Key> surplus;
    std::map<std::string, std::int64_t> room;
    for (const auto& [key, epoch] : epochs) {
      if (epoch != 1 || max_per_user == 0) continue;
      if (!room.contains(key.first)) {
        CO_TRY_ASSIGN(const Rows counted,
                      co_await transaction.execute("SELECT COUNT(*) FROM daemons WHERE user_id = $1", {key.first}));
        room[key.first] = max_per_user - counted[0].integer(0);
      }
      if (room[key.first]++ >= 0) continue;
      CO_TRY_OK((co_await transaction.execute("DELETE FROM daemons WHERE user_id = $1 AND id = $2", {key.first, key.second}))
                    .status());
      surplus.insert(key);
    }
    co_return surplus;
  }

  Status too_many(const DaemonArrival& arrival) const {
    return with_field(resource_exhausted("daemon ", arrival.id.str(), " would be one more than the ", max_per_user,
                                         " daemons that a user may have; use the id of one that is not needed any more, or "
                                         "have the gateway's --max-daemons-per-user raised"),
                      "register.daemon_id");
  }

  std::vector<TokenId> used_tokens() const {
    std::set<TokenId> used;
    for (const DaemonArrival& arrival : arrivals)
      if (!arrival.used.empty()) used.insert(arrival.used);
    return {used.begin(), used.end()};
  }

  void add(Values& values, const DaemonArrival& arrival) const {
    values.add(arrival.user.str());
    values.add(arrival.id.str());
    values.add(arrival.name);
    values.add(arrival.kind);
    values.add(labels_text(arrival.labels));
    values.add(tools_text(arrival.tools));
    values.add(std::int64_t{1});
    values.add(arrival.gateway.str());
    values.add(std::string(model::to_string(model::DaemonConnection::kFresh)));
    values.add(now);
    values.add(now);
  }

  // R83: an epoch that no stream has fences the streams of the user's other daemons.
  static Task<Status> end_others(Transaction& transaction, const DaemonArrival& arrival) {
    co_return (co_await transaction.execute("UPDATE daemons SET epoch = epoch + 1, connection = $3 "
                                            "WHERE user_id = $1 AND id <> $2 AND connection <> $3",
                                            {arrival.user.str(), arrival.id.str(),
                                             std::string(model::to_string(model::DaemonConnection::kDisconnected))}))
        .status();
  }
};

Task<Result<Daemon>> daemon_of(Transaction& transaction, UserId user, DaemonId id) {
  CO_TRY_ASSIGN(const Rows rows,
                co_await transaction.execute(SELECT_DAEMON "WHERE d.user_id = $1 AND d.id = $2", {user.str(), id.str()}));
  if (rows.empty()) co_return not_found("daemon ", id.str(), " does not exist");
  co_return daemon_from(rows[0]);
}

struct GetDaemon {
  using Value = Daemon;
  UserId user;
  DaemonId id;
  Task<Result<Daemon>> run(Transaction& transaction) const { return daemon_of(transaction, user, id); }
};

// A statement for each state that streams are in.
struct SetConnections {
  using Value = std::vector<Status>;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;  // one stream has one writer, and others are refused
  using Key = std::pair<std::string, std::string>;
  std::vector<DaemonPresence> streams;
  std::int64_t now;

  Task<Result<std::vector<Status>>> run(Transaction& transaction) const {
    std::map<model::DaemonConnection, std::vector<const DaemonPresence*>> by_state;
    for (const DaemonPresence& stream : streams) by_state[stream.connection].push_back(&stream);
    std::set<Key> written;
    for (const auto& [connection, group] : by_state) {
      Values values{std::string(model::to_string(connection)), now};
      const std::string which = those(values, group, kWithEpoch);
      CO_TRY_ASSIGN(const Rows rows,
                    co_await transaction.execute(
                        concat("UPDATE daemons SET connection = $1, last_seen = $2 WHERE ", which, " RETURNING user_id, id"),
                        std::move(values)));
      for (const Row row : rows) written.emplace(row.text(0), row.text(1));
    }
    co_return co_await answers(transaction, written);
  }

  static constexpr bool kWithEpoch = true;

  // "(user_id = $3 AND id = $4 AND epoch = $5) OR …"; their values go behind those that are there.
  static std::string those(Values& values, const std::vector<const DaemonPresence*>& group, bool with_epoch) {
    std::string text;
    for (const DaemonPresence* stream : group) {
      text += concat(text.empty() ? "" : " OR ", "(user_id = $", values.size() + 1, " AND id = $", values.size() + 2);
      values.add(stream->user.str());
      values.add(stream->id.str());
      if (with_epoch) {
        text += concat(" AND epoch = $", values.size() + 1);
        values.add(stream->epoch);
      }
      text += ")";
    }
    return text;
  }

  Task<Result<std::vector<Status>>> answers(Transaction& transaction, const std::set<Key>& written) const {
    std::vector<const DaemonPresence*> others;
    for (const DaemonPresence& stream : streams)
      if (!written.contains({stream.user.str(), stream.id.str()})) others.push_back(&stream);
    std::map<Key, std::int64_t> epochs;
    if (!others.empty()) {
      Values values;
      const std::string which = those(values, others, !kWithEpoch);
      CO_TRY_ASSIGN(const Rows rows, co_await transaction.execute(
                                         concat("SELECT user_id, id, epoch FROM daemons WHERE ", which), std::move(values)));
      for (const Row row : rows) epochs[{row.text(0), row.text(1)}] = row.integer(2);
    }
    std::vector<Status> results;
    for (const DaemonPresence& stream : streams) {
      const Key key{stream.user.str(), stream.id.str()};
      results.push_back(written.contains(key) ? ok_status() : why_not(stream, epochs));
    }
    co_return results;
  }

  static Status why_not(const DaemonPresence& stream, const std::map<Key, std::int64_t>& epochs) {
    const auto current = epochs.find({stream.user.str(), stream.id.str()});
    if (current == epochs.end()) return not_found("daemon ", stream.id.str(), " does not exist");
    return with_reason(failed_precondition("the stream of epoch ", stream.epoch, " of daemon ", stream.id.str(),
                                           " was replaced by epoch ", current->second),
                       kReasonSuperseded);
  }
};

struct ListDaemons {
  using Value = std::vector<Daemon>;
  UserId user;

  Task<Result<std::vector<Daemon>>> run(Transaction& transaction) const {
    CO_TRY_ASSIGN(const Rows rows,
                  co_await transaction.execute(SELECT_DAEMON "WHERE d.user_id = $1 ORDER BY d.id", {user.str()}));
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
    CO_TRY_OK(
        (co_await transaction.execute("UPDATE daemons SET connection = $2 WHERE gateway_id = $1 AND connection <> $2",
                                      {gateway.str(), std::string(model::to_string(model::DaemonConnection::kDisconnected))}))
            .status());
    co_return std::monostate();
  }
};

// Each life of a gateway has an id, and so a row: those of lives that ended without a word go after a day.
struct AnnounceGateway {
  using Value = std::monostate;
  static constexpr InDoubt kInDoubt = InDoubt::kRunAgain;
  static constexpr Duration kKept = std::chrono::hours(24);
  Gateway gateway;

  Task<Result<std::monostate>> run(Transaction& transaction) const {
    CO_TRY_OK(
        (co_await transaction.execute("INSERT INTO gateways (id, address, last_seen) VALUES ($1, $2, $3) ON CONFLICT (id) "
                                      "DO UPDATE SET address = excluded.address, last_seen = excluded.last_seen",
                                      {gateway.id.str(), gateway.address, microseconds_of(gateway.last_seen)}))
            .status());
    CO_TRY_OK((co_await transaction.execute("DELETE FROM gateways WHERE last_seen < $1",
                                            {microseconds_of(gateway.last_seen - kKept)}))
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
        co_await transaction.execute("SELECT id, address, last_seen FROM gateways WHERE last_seen >= $1 ORDER BY id", {since}));
    std::vector<Gateway> gateways;
    for (const Row row : rows) gateways.push_back({GatewayId(row.text(0)), row.text(1), wall_time(row.integer(2))});
    co_return gateways;
  }
};

}  // namespace

Task<Result<std::int64_t>> Daemons::accept(DaemonArrival arrival, Instant deadline) {
  std::vector<DaemonArrival> one;
  one.push_back(std::move(arrival));
  CO_TRY_ASSIGN(const auto epochs, co_await accept_all(std::move(one), 0, deadline));
  co_return epochs.front();
}

Task<Result<std::vector<Result<std::int64_t>>>> Daemons::accept_all(std::vector<DaemonArrival> arrivals,
                                                                    std::int64_t max_per_user, Instant deadline) {
  return transactor_.write(AcceptDaemons{std::move(arrivals), max_per_user, transactor_.wall_now()}, deadline);
}

Task<Status> Daemons::set_connection(UserId user, DaemonId id, std::int64_t epoch, model::DaemonConnection connection,
                                     Instant deadline) {
  std::vector<DaemonPresence> one;
  one.push_back({std::move(user), std::move(id), epoch, connection});
  const auto results = co_await set_connections(std::move(one), deadline);
  co_return results.ok() ? results->front() : results.status();
}

Task<Result<std::vector<Status>>> Daemons::set_connections(std::vector<DaemonPresence> streams, Instant deadline) {
  return transactor_.write(SetConnections{std::move(streams), transactor_.wall_now()}, deadline);
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
  co_return (co_await transactor_.write(AnnounceGateway{{std::move(id), std::move(address), wall_time(transactor_.wall_now())}},
                                        deadline))
      .status();
}

Task<Status> Gateways::withdraw(GatewayId id, Instant deadline) {
  co_return (co_await transactor_.write(WithdrawGateway{std::move(id)}, deadline)).status();
}

Task<Result<std::vector<Gateway>>> Gateways::live(Duration lease, Instant deadline) {
  const std::int64_t since = transactor_.wall_now() - std::chrono::floor<std::chrono::microseconds>(lease).count();
  return transactor_.read(LiveGateways{since}, deadline);
}

}  // namespace reliant::store
