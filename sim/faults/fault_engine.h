// FaultEngine: carries out the faults of a scenario, each in a task of the world, from the beginning of the chaos to its
// end; `heal` then undoes all of them. Every fault is announced in the trace ("fault.crash", …), since an oracle must know
// which effects the faults explain.
//
// Owner: the runner; made after the targets' world, destroyed before it. Executor: the simulation's.
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "faults/byte_faults.h"
#include "faults/fault_plan.h"
#include "kernel/record_filter.h"
#include "kernel/simulation.h"
#include "runtime/event.h"
#include "runtime/scope.h"
#include "world/network.h"
#include "world/sim_bus.h"
#include "world/sim_database.h"
#include "world/sim_process.h"
#include "world/sim_temporal.h"

namespace reliant::sim {

// The objects that faults act on. Filled in by the cluster.
struct FaultTargets {
  struct Target {
    std::string role;
    Node* node = nullptr;
    // Of a daemon's machine.
    std::string user;
    DatabaseFile* journal = nullptr;
    SimMachine* machine = nullptr;
    std::string credentials_file;  // "": its token was given by hand
  };
  std::vector<Target> nodes;
  std::vector<CommitFaults*> databases;
  ports::Database* contents = nullptr;  // the system's store
  DatabaseFile* engine = nullptr;       // the workflow engine's database
  ByteFaults* bytes = nullptr;
  // Of the distributed topology.
  DatabaseServer* database = nullptr;
  SimBusServer* bus = nullptr;
  TemporalServer* temporal = nullptr;
};

// The history of a fault of the scenario.
struct FaultHistory {
  std::string what;       // "crash of gateway"
  std::string not_fired;  // why it has never fired; "": it has
};

class FaultEngine final : private TraceSink {
 public:
  // The faults with the numbers in `off` do not happen.
  FaultEngine(Simulation& simulation, Network& network, FaultTargets targets, std::vector<Fault> faults,
              std::set<std::size_t> off);
  FaultEngine(const FaultEngine&) = delete;
  FaultEngine& operator=(const FaultEngine&) = delete;
  ~FaultEngine() override;

  // NOT_FOUND: a fault names a place or an order that this topology does not have.
  Status check() const;
  void start();
  // Stops the faults and repairs everything: all nodes up, all paths open, all databases reliable.
  void heal();
  // After `heal`. By number of the fault.
  std::vector<FaultHistory> histories() const;

 private:
  static constexpr std::string_view kAny = "any";
  static constexpr std::string_view kAll = "all";
  static constexpr std::string_view kThere = "there";

  // Waits for an event by name. One for each fault that has one.
  struct Trigger {
    RecordFilter records;
    bool armed = false;
    std::uint32_t node = 0;  // where it happened
    Event happened;
    bool in_time = false;  // it was due before the chaos ended
    bool fired = false;
    bool missed = false;  // the event has not happened since
  };

  void on_record(const TraceRecord& record) override;
  Task<void> carry_out(std::size_t number);
  template <class Kind>
  Task<void> each_time(Kind fault, std::size_t number);
  // Carries the fault out once. `there`: where the trigger was seen. A fault without times lasts as long as the chaos.
  void act(const Crash& fault, std::uint32_t there, Random& random);
  void act(const Stop& fault, std::uint32_t there, Random& random);
  void act(const Pause& fault, std::uint32_t there, Random& random);
  void act(const LinkReset& fault, std::uint32_t there, Random& random);
  void act(const LoseCredentials& fault, std::uint32_t there, Random& random);
  void act(const HalfOpen& fault, std::uint32_t there, Random& random);
  void act(const Partition& fault, std::uint32_t there, Random& random);
  void act(const Delay& fault, std::uint32_t there, Random& random);
  void act(const Silence& fault, std::uint32_t there, Random& random);
  void act(const Sleep& fault, std::uint32_t there, Random& random);
  void act(const ClockJump& fault, std::uint32_t there, Random& random);
  void act(const ClockDrift& fault, std::uint32_t there, Random& random);
  void act(const BusLimits& fault);
  void act(const TemporalLost& fault);
  void act(const DatabaseLost& fault);
  void act(const Commit& fault, std::uint32_t there, Random& random);
  void act(const TornCommit& fault, std::uint32_t there, Random& random);
  void act(const DiskSlow& fault, std::uint32_t there, Random& random);
  void act(const DiskFull& fault, std::uint32_t there, Random& random);
  Task<void> act(const RevokeToken& fault, std::uint32_t there, Random& random);
  void act(const ThrowInTool& fault, std::uint32_t there, Random& random);
  Task<void> act(const EngineRestored& fault, std::uint32_t there, Random& random);
  Task<void> act(const RunTerminated& fault, std::uint32_t there, Random& random);
  void act(const Bytes& fault);
  // Returns where the trigger was seen; 0 without one.
  Task<std::uint32_t> wait_for(FaultTiming timing, Random& random, std::size_t number);
  Task<void> restart_later(Node& node, Duration delay);
  Task<void> stop_in_order(Node& node, Duration grace, Duration down);
  Task<void> resume_later(Node& node, Duration delay);
  void cut(Node& node, Node* other, const std::string& way);
  Task<void> heal_later(Node& a, Node* b, Duration delay);
  Task<void> end_delay_later(Node& a, Node& b, Duration delay);
  Task<void> wake_later(Node& node, Duration delay, bool moved, bool noticed);
  Task<void> set_rate_right_later(Node& node, Duration delay);
  Task<void> restart_torn(Node& node, Incarnation life, Duration delay);
  Task<void> restore_engine_later(Incarnation life, Duration delay);
  Task<void> mend_disk_later(FaultTargets::Target& target, Duration delay);
  void mend_disk(FaultTargets::Target& target);
  FaultTargets::Target* target_of(const Node* node);

  std::string why_not_fired(std::size_t number) const;
  bool names_place(std::string_view place) const;
  // Null: none of them is up.
  Node* pick(std::string_view place, std::uint32_t there, Random& random);
  void announce(std::string_view name, const Node& node, std::string_view other, Duration lasts);

  Simulation& simulation_;
  Network& network_;
  FaultTargets targets_;
  SimBusOptions bus_options_;  // without faults
  std::vector<Fault> faults_;
  std::set<std::size_t> off_;
  std::deque<Trigger> triggers_;  // by number of the fault
  Instant begin_{};
  std::uint64_t announced_ = 0;       // records of faults
  std::unique_ptr<TaskScope> scope_;  // last: its tasks use everything above
};

}  // namespace reliant::sim
