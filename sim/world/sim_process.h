// SimProcesses: child processes of a simulated machine. `bash -c SCRIPT` (or sh) is interpreted,
// in virtual time:
//
//   script    commands separated by ';', newline or '&&' (which goes on only after exit code 0)
//   words     plain, 'single' or "double" quoted; $NAME from the spec's environment; # begins a comment
//   output    > FILE, >> FILE, >&2
//   echo [-n] WORDS       printf TEXT (\n is a line end)     cat [FILES] (without: standard input)
//   seq N | seq A B       pwd                                true | false | exit N
//   sleep SECONDS         touch FILE                         append FILE TEXT (adds the line TEXT)
//   effect NAME           nothing but a record               stubborn: ignores SIGINT and SIGTERM from here on
// Anything else is exit code 127, as with a shell. Each command is a step of its own, so a crash can fall
// between two.
//
// Effects (touch, append, redirections and `effect`) are written to the machine's EffectRecord in the instant
// in which they happen, with the request id that the tool put into the environment (RELIANT_REQUEST_ID). The
// record outlives the node: the oracles compare it with the system's answers about a request. It also has the
// output of the processes of a request.
//
// Fault atlas
//   crash of the node   the daemon alone is killed: "started, end unknown" (C7). Its processes run on, and change the machine
//                       during the next incarnation, unless that ends them
//   slow start          spawning takes up to `spawn_latency`: a cancel or crash may come before there is a process
//   no more processes   RESOURCE_EXHAUSTED: machines run out of them, and then the tool has not run
//
// Owner: SimMachine by the world, SimProcesses by one incarnation of a node. Executor: the simulation's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/node.h"
#include "ports/process.h"
#include "runtime/random.h"
#include "world/sim_filesystem.h"

namespace reliant::sim {

struct MachineEffect {
  Instant time;
  std::string request;  // "" when the process was not started for one
  std::string what;     // "append /log a line", "touch /x", "write /x", "effect NAME"

  friend bool operator==(const MachineEffect&, const MachineEffect&) = default;
};

// Every effect that happened on a machine.
class EffectRecord {
 public:
  void add(MachineEffect effect) { effects_.push_back(std::move(effect)); }
  const std::vector<MachineEffect>& all() const { return effects_; }
  std::size_t count(std::string_view request) const;
  std::size_t count(std::string_view request, std::string_view what) const;

  struct Written {
    std::string out;
    std::string err;
  };
  void write(const std::string& request, ports::ProcessOutput::Stream stream, std::string_view bytes) {
    Written& written = written_[request];
    (stream == ports::ProcessOutput::Stream::kStdout ? written.out : written.err) += bytes;
  }
  const std::map<std::string, Written>& written() const { return written_; }  // by request

 private:
  std::vector<MachineEffect> effects_;
  std::map<std::string, Written> written_;
};

// A process, as its kernel sees it.
class SimRunning {
 public:
  virtual bool runs() const = 0;
  virtual const std::map<std::string, std::string>& environment() const = 0;
  virtual void kill() = 0;
  virtual ~SimRunning() = default;
};

// Where the next run of a tool runs out of memory.
enum class ToolThrows : std::uint8_t { kNever, kBefore, kAfter };

struct SimMachine {
  SimDisk disk;
  SimDiskFaults disk_faults;
  EffectRecord effects;
  Duration spawn_latency = std::chrono::milliseconds(2);
  std::uint32_t spawn_failures_per_million = 0;
  ToolThrows next_tool_throws = ToolThrows::kNever;
  std::int64_t next_pid = 100;
  std::size_t running = 0;                                        // processes, now
  std::map<std::int64_t, std::shared_ptr<SimRunning>> processes;  // by pid; also those whose daemon was killed
};

class SimProcesses final : public ports::Processes {
 public:
  // Without an incarnation, a process always ends with its Process handle.
  SimProcesses(SimMachine& machine, Random random, std::optional<Incarnation> life = {})
      : machine_(machine), random_(random), life_(life) {}

  Task<Result<std::unique_ptr<ports::Process>>> spawn(ports::ProcessSpec spec) override;
  Task<Result<std::set<std::string>>> kill_by_environment(std::string name, std::set<std::string> values,
                                                          Instant deadline) override;

 private:
  SimMachine& machine_;
  Random random_;
  std::optional<Incarnation> life_;
};

}  // namespace reliant::sim
