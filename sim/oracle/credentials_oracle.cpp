#include "oracle/credentials_oracle.h"

#include "base/text.h"

namespace reliant::sim {
namespace {
constexpr std::string_view kKept = "credentials.kept";
constexpr std::string_view kOnce = "credentials.once";
constexpr Duration kBetween = std::chrono::minutes(10);
}  // namespace

void CredentialsOracle::on_record(const TraceRecord& record) {
  if (record.is("fault.revoke_token")) {
    ++daemons_[text_or_empty(record, "target")].revoked;
  } else if (record.is("daemon.credentials.retired")) {
    const std::string& daemon = text_or_empty(record, "daemon");
    Seen& seen = daemons_[daemon];
    if (++seen.retired > seen.revoked) {
      verdict_.broken(kKept, concat(daemon, " has given up its credentials ", seen.retired, " times; they were revoked ",
                                    seen.revoked, " times"),
                      &record);
    }
  } else if (record.is("daemon.registered") && number_or_zero(record, "recovers") != 0) {
    const std::string& daemon = text_or_empty(record, "daemon");
    Seen& seen = daemons_[daemon];
    if (seen.recovered != Instant::min() && record.time - seen.recovered < kBetween) {
      verdict_.broken(kOnce, concat(daemon, " has registered again ", (record.time - seen.recovered) / std::chrono::seconds(1),
                                    " s after it did so before"),
                      &record);
    }
    seen.recovered = record.time;
  }
}

}  // namespace reliant::sim
