// VisibilityQuery: the language of ListWorkflowExecutions and CountWorkflowExecutions, read and applied to one run.
//
//   WorkflowType = 'Chat' AND (ExecutionStatus IN ('Running', 'Failed') OR CloseTime >= '2026-01-31T12:00:00Z')
//   ORDER BY StartTime DESC
//
// Fields: WorkflowId, WorkflowType, RunId, TaskQueue, ExecutionStatus, StartTime, ExecutionTime, CloseTime. Operators: = != <
// <= > >=, IN, BETWEEN … AND …, STARTS_WITH (text), IS NULL, their NOT forms; AND, OR, NOT, parentheses; ORDER BY (also by
// several fields); GROUP BY ExecutionStatus when counting. A time is RFC 3339 text, a day, or nanoseconds since 1970. As in SQL,
// a comparison with the CloseTime of a running workflow is neither true nor false. Pure; errors are INVALID_ARGUMENT with
// the position, counted from 1, and the remedy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"

namespace reliant::temporal::engine {

// What a query sees of a run. Times are nanoseconds since 1970.
struct VisibleRun {
  std::string run_id;
  std::string workflow_id;
  std::string workflow_type;
  std::string task_queue;
  std::int64_t status = 0;  // a WorkflowExecutionStatus
  std::int64_t start_time = 0;
  std::int64_t execution_time = 0;
  std::int64_t closed_at = 0;  // kNotClosed while it runs, which also puts it where lists have it
};
inline constexpr std::int64_t kNotClosed = INT64_MAX;

class VisibilityQuery {
 public:
  static Result<VisibilityQuery> parse(std::string_view text);

  bool matches(const VisibleRun& run) const;
  // Whether `a` comes before `b`; without ORDER BY running ones first, and the latest to close or start first.
  bool before(const VisibleRun& a, const VisibleRun& b) const;
  bool has_order() const { return !order_.empty(); }
  bool groups_by_status() const { return groups_by_status_; }
  // That every run it matches is running, or is closed.
  bool only_running() const { return only_running_; }
  bool only_closed() const { return only_closed_; }

  enum class Field : std::uint8_t {
    kWorkflowId,
    kWorkflowType,
    kRunId,
    kTaskQueue,
    kExecutionStatus,
    kStartTime,
    kExecutionTime,
    kCloseTime
  };
  enum class Operator : std::uint8_t {
    kEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual,
    kIn,
    kBetween,
    kStartsWith,
    kIsNull
  };
  using Value = std::variant<std::int64_t, std::string>;
  struct Node {
    enum class Kind : std::uint8_t { kAnd, kOr, kNot, kCompare };
    Kind kind = Kind::kCompare;
    std::vector<Node> parts;  // of kAnd, kOr and kNot
    Field field = Field::kWorkflowId;
    Operator op = Operator::kEqual;
    std::vector<Value> values;
  };
  struct Order {
    Field field;
    bool descending;
  };

 private:
  friend class VisibilityParser;
  void find_narrowing(const Node& node);

  std::optional<Node> root_;
  std::vector<Order> order_;
  bool groups_by_status_ = false;
  bool only_running_ = false;
  bool only_closed_ = false;
};

// `text` as a literal of the language.
std::string quoted(std::string_view text);
// "Running" and its like; "" for none.
std::string_view status_name(std::int64_t status);

}  // namespace reliant::temporal::engine
