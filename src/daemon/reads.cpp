#include "daemon/reads.h"

#include <algorithm>
#include <utility>

namespace reliant::daemon {

void Reads::keep(const RequestId& id, model::ToolResult result) {
  Read& read = reads_[id];
  if (read.result) return;  // the first end stands
  read.bytes += result.content.size();
  read.result = std::move(result);
  read.number = ++last_number_;
  read.since = clock_.now();
  bytes_ += read.bytes;
  results_.emplace(read.number, id);
  forget_old();
}

const model::ToolResult* Reads::result(const RequestId& id) {
  forget_old();
  const auto found = reads_.find(id);
  return found != reads_.end() && found->second.result ? &*found->second.result : nullptr;
}

bool Reads::acknowledge(const RequestId& id) {
  const auto found = reads_.find(id);
  if (found == reads_.end() || !found->second.result) return false;
  forget(found);
  return true;
}

void Reads::forget(std::map<RequestId, Read>::iterator read) {
  bytes_ -= read->second.bytes;
  results_.erase(read->second.number);
  reads_.erase(read);
}

void Reads::forget_old() {
  while (!results_.empty()) {
    const auto oldest = reads_.find(results_.begin()->second);
    const bool too_old = clock_.now() - oldest->second.since >= kKept;
    if (!too_old && results_.size() <= kResults && bytes_ <= kBytes) return;
    forget(oldest);
  }
}

void Reads::add_output(const RequestId& id, OutputChunk chunk, std::uint64_t forget) {
  Read& read = reads_[id];
  read.bytes += chunk.data.size();
  read.output.push_back(std::move(chunk));
  while (!read.output.empty() && read.output.front().number <= forget) {
    read.bytes -= read.output.front().data.size();
    read.output.pop_front();
  }
}

std::optional<OutputChunk> Reads::output_after(const RequestId& id, std::uint64_t after) const {
  const auto found = reads_.find(id);
  if (found == reads_.end()) return std::nullopt;
  const auto chunk = std::ranges::find_if(found->second.output, [after](const OutputChunk& one) { return one.number > after; });
  if (chunk == found->second.output.end()) return std::nullopt;
  return *chunk;
}

void Reads::refuse(const RequestId& id) {
  if (!refused_.try_emplace(id, ++last_number_).second) return;
  refusals_.emplace(last_number_, id);
  if (refusals_.size() <= kRefusals) return;
  refused_.erase(refusals_.begin()->second);
  refusals_.erase(refusals_.begin());
}

}  // namespace reliant::daemon
