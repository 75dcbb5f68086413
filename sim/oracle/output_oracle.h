// OutputOracle: what a chat shows of a tool's output is what the process wrote, or the gap shows.
//   output.exact     the tool_output updates, put together, are what the simulated machine's process wrote: all of it when the
//                    tool ran to its end, else its beginning. Where a chunk is marked as a gap, something is missing before it
//   output.order     chunks are numbered 1, 2, 3 …; a number is left out only with a gap
//   output.complete  the result says how many chunks there were; where some are missing at the end, that shows it
//   output.text      the parts of an answer of the model follow each other without a gap; only one that is begun anew starts over
//   output.content   what the model is told of a tool that ran well is what its process wrote
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "oracle/oracle.h"

namespace reliant::sim {

class OutputOracle final : public Oracle {
 public:
  using Oracle::Oracle;
  void on_record(const TraceRecord& record) override {
    if (record.is("daemon.result.bytes")) bytes_.insert(text_or_empty(record, "request_id"));
  }
  void finish(const FinalState& state) override;

 private:
  struct Shown {
    std::vector<std::string> parts;  // without a gap in between
    std::uint64_t last_chunk = 0;
  };
  using CallKey = std::pair<std::string, std::string>;  // chat and tool call
  void read(const FinalChat& chat);
  void read_text(const FinalChat& chat, const FinalUpdate& update);
  void judge(const FinalExecution& execution, const EffectRecord::Written& written);
  void judge_content(const FinalExecution& execution, const std::string& written);

  std::map<CallKey, Shown> shown_;
  std::set<std::string> bytes_;          // requests whose result a daemon sent as other bytes
  std::map<CallKey, std::size_t> told_;  // of an answer: chat and message; bytes
};

}  // namespace reliant::sim
