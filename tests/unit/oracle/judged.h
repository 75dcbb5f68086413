// An oracle with a trace of its own, into which a test writes what has "happened".
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "oracle/oracle.h"
#include "runtime/executor.h"

namespace reliant::sim {

template <class Judge>
class Judged {
 public:
  Judged() {
    trace_.add_sink(oracle_);
    trace_.watch_deliveries(oracle_);
  }

  // What happens from now on happens then.
  void at(Duration time) { executor_.run_until(Instant(time)); }
  void record(std::string_view name, std::initializer_list<Field> fields, std::uint32_t node = 0) {
    trace_.record(node, Level::kInfo, name, fields);
  }
  void node(std::uint32_t id, std::string_view called, std::string_view role, std::string_view user = "",
            std::string_view daemon = "") {
    record("run.node", {{"id", id}, {"called", called}, {"role", role}, {"user", user}, {"daemon", daemon}});
  }
  void deliver(Delivery delivery) {
    delivery.at = executor_.now();
    trace_.deliver(delivery);
  }
  // The oracles that complain, separated by blanks; of each once.
  std::string complaints() {
    oracle_.finish(state);
    std::string names;
    for (const Violation& violation : verdict_.violations()) {
      if (names.find(violation.oracle) != std::string::npos) continue;
      if (!names.empty()) names += ' ';
      names += violation.oracle;
    }
    return names;
  }
  // The first complaint, once all is judged.
  Violation first_complaint() {
    oracle_.finish(state);
    return verdict_.violations().empty() ? Violation{} : verdict_.violations().front();
  }

  FinalState state;

 private:
  Executor executor_{1};
  Trace trace_{executor_, 0};
  Verdict verdict_;
  Judge oracle_{verdict_};
};

}  // namespace reliant::sim
