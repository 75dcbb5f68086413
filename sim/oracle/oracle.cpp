#include "oracle/oracle.h"

#include "oracle/admission_oracle.h"
#include "oracle/credentials_oracle.h"
#include "oracle/durability_oracle.h"
#include "oracle/fencing_oracle.h"
#include "oracle/intruder_oracle.h"
#include "oracle/isolation_oracle.h"
#include "oracle/lane_oracle.h"
#include "oracle/liveness_oracle.h"
#include "oracle/output_oracle.h"
#include "oracle/routing_oracle.h"
#include "oracle/status_oracle.h"
#include "oracle/stop_oracle.h"
#include "oracle/stream_oracle.h"
#include "oracle/tool_oracle.h"

namespace reliant::sim {
namespace {
const std::string kEmpty;
}  // namespace

std::vector<std::unique_ptr<Oracle>> make_oracles(Verdict& verdict) {
  std::vector<std::unique_ptr<Oracle>> oracles;
  oracles.push_back(std::make_unique<ToolOracle>(verdict));
  oracles.push_back(std::make_unique<LivenessOracle>(verdict));
  oracles.push_back(std::make_unique<IsolationOracle>(verdict));
  oracles.push_back(std::make_unique<RoutingOracle>(verdict));
  oracles.push_back(std::make_unique<StreamOracle>(verdict));
  oracles.push_back(std::make_unique<FencingOracle>(verdict));
  oracles.push_back(std::make_unique<StatusOracle>(verdict));
  oracles.push_back(std::make_unique<CredentialsOracle>(verdict));
  oracles.push_back(std::make_unique<DurabilityOracle>(verdict));
  oracles.push_back(std::make_unique<OutputOracle>(verdict));
  oracles.push_back(std::make_unique<LaneOracle>(verdict));
  oracles.push_back(std::make_unique<StopOracle>(verdict));
  oracles.push_back(std::make_unique<AdmissionOracle>(verdict));
  oracles.push_back(std::make_unique<IntruderOracle>(verdict));
  return oracles;
}

const std::string& text_or_empty(const TraceRecord& record, std::string_view key) {
  const std::string* text = record.text(key);
  return text == nullptr ? kEmpty : *text;
}

std::int64_t number_or_zero(const TraceRecord& record, std::string_view key) {
  const std::int64_t* number = record.number(key);
  return number == nullptr ? 0 : *number;
}

}  // namespace reliant::sim
