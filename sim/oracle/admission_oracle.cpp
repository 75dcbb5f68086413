#include "oracle/admission_oracle.h"

#include "base/text.h"

namespace reliant::sim {

// A stream that was refused with a retry-after has not begun a registration, nor has a stream that has not sent its Register.
void AdmissionOracle::on_record(const TraceRecord& record) {
  const std::string_view name = record.name;
  if (name == "gateway.registration.begun") {
    const std::int64_t at_once = ++registering_[record.node];
    if (at_once <= kAtOnce) return;
    verdict_.broken("admission.bounded",
                    concat("a gateway registers ", at_once, " daemons at a time; ", kAtOnce, " are to be the most"), &record);
  } else if (name == "gateway.registration.ended") {
    --registering_[record.node];
  } else if (name == "gateway.result.begun") {
    begun(record);
  } else if (name == "gateway.result.ended") {
    ended(record);
  } else if (name == "gateway.session.closed") {
    results_[place_of(record)].erase(key_of(record));
    closed_.emplace(place_of(record), key_of(record));
  } else if (name == "node.crashed" || name == "node.exited") {
    registering_.erase(record.node);
    std::erase_if(results_, [&](const auto& entry) { return entry.first.first == record.node; });
  }
}

AdmissionOracle::Place AdmissionOracle::place_of(const TraceRecord& record) {
  return {record.node, std::string(text_or_empty(record, "user"))};
}

AdmissionOracle::Stream AdmissionOracle::key_of(const TraceRecord& record) {
  return {std::string(text_or_empty(record, "daemon")), number_or_zero(record, "epoch")};
}

// The end of a session ends its registration and its writes.
void AdmissionOracle::ended(const TraceRecord& record) {
  auto& streams = results_[place_of(record)];
  if (const auto found = streams.find(key_of(record)); found != streams.end()) found->second -= number_or_zero(record, "bytes");
}

void AdmissionOracle::begun(const TraceRecord& record) {
  // A write that a session begins at the instant of its end is destroyed with it.
  if (closed_.contains({place_of(record), key_of(record)})) return;
  auto& streams = results_[place_of(record)];
  streams[key_of(record)] += number_or_zero(record, "bytes");
  std::int64_t of_user = 0;
  for (const auto& [stream, bytes] : streams) of_user += bytes;
  if (of_user <= kResultsOfUser) return;
  verdict_.broken("admission.results",
                  concat("a gateway holds ", of_user, " bytes of a user's results that the store has not taken; ",
                         kResultsOfUser, " are to be the most"),
                  &record);
}

}  // namespace reliant::sim
