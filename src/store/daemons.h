// Daemons and the gateways that hold them (C2, C19). Every accepted stream of a daemon takes the next epoch,
// and every write for a stream names its epoch: the write of a stream that a newer one has replaced is
// refused.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "model/daemon_status.h"
#include "runtime/task.h"
#include "runtime/time.h"
#include "store/transact.h"

namespace reliant::store {

struct Daemon {
  UserId user;
  DaemonId id;
  std::string name;
  std::string kind;  // "local", "cloud"
  std::map<std::string, std::string> labels;
  std::vector<std::string> tools;
  std::int64_t epoch = 0;
  GatewayId gateway;  // of the epoch, also after its end
  model::DaemonConnection connection = model::DaemonConnection::kDisconnected;
  WallTime connected_at;
  WallTime last_seen;
  std::optional<WallTime> gateway_seen;  // the last announcement of that gateway; nullopt: it has withdrawn
  bool busy = false;                     // runs, or is about to run, a tool (C16)

  // What `connection` is worth (C19): nothing, when the gateway that wrote it has not been heard of for a lease.
  bool gateway_lives(WallTime now) const { return gateway_seen && now - *gateway_seen < model::kGatewayLease; }
};

// Whose streams a newly accepted one ends: those of the same daemon (C2), or of all daemons of the user (R83).
enum class Displaces : std::uint8_t { kItself, kEveryDaemonOfTheUser };

struct DaemonArrival {
  UserId user;
  DaemonId id;
  std::string name;
  std::string kind;
  std::map<std::string, std::string> labels;
  std::vector<std::string> tools;
  GatewayId gateway;
  Displaces displaces = Displaces::kItself;
  TokenId used;  // the token whose use is to be recorded (store/tokens.h); "": none
};

// What a stream says of itself.
struct DaemonPresence {
  UserId user;
  DaemonId id;
  std::int64_t epoch = 0;
  model::DaemonConnection connection = model::DaemonConnection::kDisconnected;
};

// Every method may fail as Transactor does. SUPERSEDED below is FAILED_PRECONDITION with that reason.
class Daemons {
 public:
  explicit Daemons(Transactor& transactor) : transactor_(transactor) {}

  // Writes what the daemon says of itself, connection fresh, and returns the epoch of the stream: higher than
  // all before it, though numbers may be left out. NOT_FOUND: no such user.
  Task<Result<std::int64_t>> accept(DaemonArrival arrival, Instant deadline);
  // Many in one transaction, with as few statements as for one: all or none, except for a new daemon of a user with
  // `max_per_user` already (0: any number), which is RESOURCE_EXHAUSTED. No daemon is among them twice; with
  // kEveryDaemonOfTheUser, no user. The epochs are in the order of the arrivals.
  Task<Result<std::vector<Result<std::int64_t>>>> accept_all(std::vector<DaemonArrival> arrivals, std::int64_t max_per_user,
                                                             Instant deadline);
  // Connection and last_seen; with kDisconnected, the end of the stream. SUPERSEDED: the epoch is not the
  // current one; NOT_FOUND.
  Task<Status> set_connection(UserId user, DaemonId id, std::int64_t epoch, model::DaemonConnection connection,
                              Instant deadline);
  // Many in one transaction; what became of each is in their order. No daemon is among them twice.
  Task<Result<std::vector<Status>>> set_connections(std::vector<DaemonPresence> streams, Instant deadline);
  Task<Result<Daemon>> get(UserId user, DaemonId id, Instant deadline);   // NOT_FOUND
  Task<Result<std::vector<Daemon>>> list(UserId user, Instant deadline);  // by id
  // Marks as disconnected what the gateway still holds: at its start (its last life ended without a word) and
  // its stop.
  Task<Status> disconnect_all(GatewayId gateway, Instant deadline);

 private:
  Transactor& transactor_;
};

struct Gateway {
  GatewayId id;
  std::string address;
  WallTime last_seen;
};

class Gateways {
 public:
  explicit Gateways(Transactor& transactor) : transactor_(transactor) {}

  // Now and then, as long as it lives.
  Task<Status> announce(GatewayId id, std::string address, Instant deadline);
  Task<Status> withdraw(GatewayId id, Instant deadline);  // idempotent
  // Those that announced themselves within `lease`, by id.
  Task<Result<std::vector<Gateway>>> live(Duration lease, Instant deadline);

 private:
  Transactor& transactor_;
};

}  // namespace reliant::store
