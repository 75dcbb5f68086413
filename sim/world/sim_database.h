// The simulated database: real SQL on SQLite in memory, with the network and its faults around it. A
// DatabaseServer lives on a node of its own and survives the crash of every client; each incarnation of a
// client node has a SimDatabase, its connections to that server. A DatabaseFile is a file on the node itself
// (the monolith's, a daemon's journal), which survives the node's crash with all that was committed; each
// incarnation opens it as a SimFileDatabase.
//
// Fault atlas, and why the system must survive each:
//   latency, cut, loss   every call is a round trip; a transaction holds the writer's lock for all of its round trips
//   lost before          the server drops connections at a fail-over: UNAVAILABLE, nothing is written
//   lost while           the commit was sent and did not arrive: COMMIT_UNKNOWN, and not written
//   lost after           it was written and the answer got lost: COMMIT_UNKNOWN, and written
//   aborted              serializable transactions fail through no error of their own: ABORTED, nothing is written
//   client gone          what it has sent may still arrive: written or not, a moment after the client is gone
//   client cut off       in a transaction, the server keeps the writer's lock until it has been idle for 5 s: shorter than
//                        any keepalive, as in production (Postgres' idle_in_transaction_session_timeout)
//   server crash         committed data stays; every transaction rolls back, every connection is lost
//   slow disk (file)     a crash before the fsync loses the commit; after it, the process never learns of it
//   torn commit (file)   the machine dies in the middle of a commit: the write-ahead log has all of it or nothing
//   full disk (file)     RESOURCE_EXHAUSTED, nothing is written; reading goes on
//   older copy (file)    power loss, or a restored backup: the last commits are gone, but others have seen their effects
//
// Owned by the cluster; made after the Network, destroyed before it, which shuts the simulation down. One
// thread. Calls that a crashed node still makes in its last step never return and have no effect.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "kernel/node.h"
#include "ports/database.h"
#include "runtime/random.h"
#include "runtime/scope.h"
#include "world/network.h"
#include "world/sim_database_memory.h"

namespace reliant::sim {

// What may happen to the commit of a writing transaction.
enum class CommitFault : std::uint8_t { kNone, kLostBefore, kLostWhile, kLostAfter, kAborted };

// How often, of a million commits. May be changed during a run.
struct CommitFaults {
  std::uint32_t lost_before = 0;
  std::uint32_t lost_while = 0;
  std::uint32_t lost_after = 0;
  std::uint32_t aborted = 0;
};

class RemoteTransaction;

class DatabaseServer final : private NodeObserver {
 public:
  // `beginnings`: of databases that begin with the same scripts; null: none.
  DatabaseServer(Network& network, Node& node, DatabaseBeginnings* beginnings = nullptr);
  DatabaseServer(const DatabaseServer&) = delete;
  DatabaseServer& operator=(const DatabaseServer&) = delete;
  ~DatabaseServer();

  Node& node() { return node_; }
  // The data itself, without network and faults: for oracles and to set the stage.
  ports::Database& contents() { return *data_; }

  CommitFaults& faults() { return faults_; }
  // The commit of this client after `after` others meets this fault. Null: a commit of any client.
  void fail_next_commit(Node& client, CommitFault fault) { fail_commit(&client, fault, 0); }
  void fail_commit(Node* client, CommitFault fault, std::uint32_t after);
  void forget_plans() { planned_.clear(); }
  // Every open transaction of the client rolls back; its next call says so.
  void drop_connections(Node& client);

  std::uint64_t commits() const { return commits_; }                // written, of clients
  std::uint64_t faulty_commits() const { return faulty_commits_; }  // that met a fault
  std::size_t abandoned() const { return abandoned_.size(); }       // transactions whose client is gone

 private:
  friend class SimDatabase;
  friend class RemoteTransaction;
  friend class RemoteRead;
  struct Abandoned;
  struct Begun;
  struct Reading;
  struct Planned {
    Node* client;
    CommitFault fault;
    std::uint32_t after;
  };

  CommitFault draw_fault(Node& client);
  // The wait for the lock is here, not at the client: a client that is paused when it gets the lock must not hold it.
  Task<void> begin(std::shared_ptr<Begun> begun, Node& client, Incarnation life, Instant deadline);
  Task<void> read_later(std::shared_ptr<Reading> reading, Instant deadline);
  Task<Result<ports::Rows>> read(std::string_view sql, ports::Values parameters, std::optional<std::uint64_t>& seen,
                                 Instant deadline);
  void abandon(std::unique_ptr<ports::Transaction> transaction, Node& client, bool commit_sent);
  void settle(Abandoned& abandoned);
  void node_crashed(Node& node) override;

  Network& network_;
  Node& node_;
  Context context_;  // of what happens without a client
  Random random_;
  CommitFaults faults_;
  std::vector<Planned> planned_;
  std::uint64_t commits_ = 0;
  std::uint64_t faulty_commits_ = 0;
  std::unique_ptr<MemoryDatabase> data_;
  std::vector<RemoteTransaction*> sessions_;  // in the order in which they began
  std::vector<std::unique_ptr<Abandoned>> abandoned_;
  TaskScope scope_{context_};  // last: its tasks use what is above
};

class SimDatabase final : public ports::Database {
 public:
  // For the client's present incarnation.
  SimDatabase(DatabaseServer& server, Node& client) : server_(server), client_(client), life_(client.incarnation()) {}

  Task<Result<std::unique_ptr<ports::Transaction>>> begin(ports::Access access, Instant deadline) override;
  Task<Status> run_script(std::string_view sql, Instant deadline) override;
  Task<Result<WallTime>> wall_now(Instant deadline) override;  // of the server's node

 private:
  DatabaseServer& server_;
  Node& client_;
  Incarnation life_;
};

// How long a commit takes to reach the disk.
struct DiskLatency {
  Duration low = std::chrono::microseconds(50);
  Duration high = std::chrono::milliseconds(2);
};

class DatabaseFile {
 public:
  // `beginnings`: as of a DatabaseServer.
  DatabaseFile(Simulation& simulation, Node& node, std::string_view name, DiskLatency latency = {},
               DatabaseBeginnings* beginnings = nullptr);
  DatabaseFile(const DatabaseFile&) = delete;
  DatabaseFile& operator=(const DatabaseFile&) = delete;
  ~DatabaseFile() { simulation_.shutdown(); }

  ports::Database& contents() { return *data_; }  // without latency and faults
  CommitFaults& faults() { return faults_; }      // here, "lost" is a transient error of the disk
  std::uint64_t commits() const { return commits_; }
  Node& node() { return node_; }
  DiskLatency& latency() { return latency_; }
  void set_full(bool full) { full_ = full; }
  // A copy of the file, as a backup makes it; `restore` puts the last copy back, while the node is down.
  Task<Status> back_up();
  void restore();
  // The node dies in its commit after `after` others; `written`: the log had all of it.
  struct Tear {
    std::uint32_t after = 0;
    bool written = false;
  };
  void tear(Tear how) { tear_ = how; }
  void mend() { tear_.reset(); }
  bool tears() const { return tear_.has_value(); }

 private:
  friend class SimFileDatabase;
  friend class FileTransaction;

  Simulation& simulation_;
  Node& node_;
  Random random_;
  DiskLatency latency_;
  CommitFaults faults_;
  bool full_ = false;
  std::optional<Tear> tear_;
  std::uint64_t commits_ = 0;
  std::unique_ptr<MemoryDatabase> data_;
  std::unique_ptr<MemoryDatabase> backup_;
};

class SimFileDatabase final : public ports::Database {
 public:
  // For the node's present incarnation.
  explicit SimFileDatabase(DatabaseFile& file) : file_(file), life_(file.node_.incarnation()) {}

  Task<Result<std::unique_ptr<ports::Transaction>>> begin(ports::Access access, Instant deadline) override;
  Task<Status> run_script(std::string_view sql, Instant deadline) override;
  Task<Result<WallTime>> wall_now(Instant deadline) override;

 private:
  DatabaseFile& file_;
  Incarnation life_;
};

}  // namespace reliant::sim
