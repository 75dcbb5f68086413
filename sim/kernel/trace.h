// Trace: what happened in a simulated run, in order. Every record is mixed into the run's hash, whether or
// not it is kept, so that observing a run does not change it; oracles judge runs by these records alone.
//
// It keeps the last `keep` records and hands every record to its sinks (an oracle, a file of JSON lines). The
// production code writes through the `EventLog` of its node, which drops everything once that node has crashed.
// Owned by the simulation; sinks are borrowed and must outlive it or be removed. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/event_log.h"
#include "runtime/executor.h"

namespace reliant::sim {

struct TraceRecord {
  struct Field {
    std::string key;
    std::variant<std::int64_t, std::string> value;
  };

  std::uint64_t step = 0;  // the executor's, so that a record can be found in a second run
  Instant time{};
  std::uint32_t node = 0;  // 0: the world
  Level level = Level::kInfo;
  std::string name;  // area.thing.happened
  std::vector<Field> fields;

  bool is(std::string_view what) const { return name == what; }  // compares lengths first: most comparisons fail
  // Null: the record has no such field, or the field has the other type.
  const std::int64_t* number(std::string_view key) const;
  const std::string* text(std::string_view key) const;
};

class TraceSink {
 public:
  virtual ~TraceSink() = default;
  // Called while the event happens: a sink may read, remember and wake a task of the world, but must not act itself. The
  // record's memory is reused for the next record.
  virtual void on_record(const TraceRecord& record) = 0;
};

// A message between two processes, at the instant of its delivery. Not a record: there are too many of them. It is not
// hashed here (the port that delivers it does that), and costs one branch when no sink wants deliveries.
struct Delivery {
  enum class Way : std::uint8_t { kBus, kLink, kHttp };

  Way way = Way::kBus;
  std::uint32_t from = 0;  // nodes; messages of the bus come from the bus
  std::uint32_t to = 0;
  std::uint64_t connection = 0;  // by which it came: a number of the run
  Instant sent{};
  Instant at{};
  std::string_view about{};     // the subject of a bus message, the request line or what kind of answer it is
  std::string_view reply_to{};  // of a bus message
  std::string_view payload{};
};

class DeliverySink {
 public:
  virtual ~DeliverySink() = default;
  // As TraceSink::on_record.
  virtual void on_delivery(const Delivery& delivery) = 0;
};

class Trace {
 public:
  Trace(Executor& executor, std::size_t keep) : executor_(&executor), keep_(keep) {}
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  void record(std::uint32_t node, Level level, std::string_view name, std::initializer_list<Field> fields);

  void add_sink(TraceSink& sink);
  void remove_sink(TraceSink& sink);

  // Lets the world's ports skip the construction of a Delivery.
  bool watched() const { return !delivery_sinks_.empty(); }
  void deliver(const Delivery& delivery) {
    for (DeliverySink* sink : delivery_sinks_) sink->on_delivery(delivery);
  }
  void watch_deliveries(DeliverySink& sink) { delivery_sinks_.push_back(&sink); }

  const std::deque<TraceRecord>& records() const { return records_; }  // the last `keep`, oldest first
  std::uint64_t recorded() const { return recorded_; }
  // Records of level kError: defects of ours. A run that has one has failed.
  std::uint64_t errors() const { return errors_; }
  const std::optional<TraceRecord>& first_error() const { return first_error_; }

 private:
  Executor* executor_;
  std::size_t keep_;
  TraceRecord current_;  // the record that the sinks are looking at; its memory is reused for the next one
  std::deque<TraceRecord> records_;
  std::vector<TraceSink*> sinks_;
  std::vector<DeliverySink*> delivery_sinks_;
  std::uint64_t recorded_ = 0;
  std::uint64_t errors_ = 0;
  std::optional<TraceRecord> first_error_;
};

// Writes each record as one line of JSON: {"step","time_ns","node","level","name", then the fields}, and each delivery as
// one of the name "net.bus", "net.link" or "net.http". The stream is borrowed; a failed write sets its state and is
// otherwise ignored.
class JsonLinesSink final : public TraceSink, public DeliverySink {
 public:
  JsonLinesSink(std::ostream& out, Executor& executor) : out_(&out), executor_(&executor) {}
  void on_record(const TraceRecord& record) override;
  void on_delivery(const Delivery& delivery) override;

 private:
  std::ostream* out_;
  Executor* executor_;
};

std::string to_json_line(const TraceRecord& record);

}  // namespace reliant::sim
