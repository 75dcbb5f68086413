// OutputOracle: a tool's output in a chat is the output of its process, or the gap is marked.
//   output.exact     the concatenated tool_output updates are the output of the simulated process: all of it when the
//                    tool ran to its end, else a prefix. Where a chunk is marked as a gap, something is missing before it
//   output.order     chunks are numbered 1, 2, 3 …; a number is left out only with a gap
//   output.complete  the result has the number of chunks, which shows whether some are missing at the end
//   output.text      the parts of the model's answer follow each other without a gap; only a retried answer starts over
//   output.content   the content that the model receives from a successful tool is the output of its process
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
