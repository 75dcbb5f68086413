#include "oracle/admission_oracle.h"

#include <gtest/gtest.h>

#include "unit/oracle/judged.h"

namespace reliant::sim {
namespace {

constexpr std::uint32_t kGateway = 2;

class AtOnce : public testing::Test {
 protected:
  AtOnce() {
    for (std::int64_t i = 0; i < AdmissionOracle::kAtOnce; ++i) judged.record("gateway.registration.begun", {}, kGateway);
  }
  Judged<AdmissionOracle> judged;
};

TEST_F(AtOnce, ConcurrentRegistrationsAreBounded) {
  judged.record("gateway.registration.ended", {}, kGateway);
  judged.record("gateway.registration.begun", {}, kGateway);
  judged.record("gateway.registration.begun", {}, kGateway + 1);
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(AtOnce, RefusedStreamReleasesNoPermit) {
  judged.record("gateway.session.refused", {{"retry_after_us", 1}}, kGateway);
  judged.record("gateway.registration.begun", {}, kGateway);
  EXPECT_EQ(judged.complaints(), "admission.bounded");
}

class Results : public testing::Test {
 protected:
  void begun(std::int64_t bytes, std::string_view user, std::string_view daemon) {
    judged.record("gateway.result.begun", {{"user", user}, {"daemon", daemon}, {"epoch", 1}, {"bytes", bytes}}, kGateway);
  }
  void ended(std::int64_t bytes, std::string_view user, std::string_view daemon) {
    judged.record("gateway.result.ended", {{"user", user}, {"daemon", daemon}, {"epoch", 1}, {"bytes", bytes}}, kGateway);
  }
  Judged<AdmissionOracle> judged;
};

TEST_F(Results, PendingResultsOfAUserAreBoundedOverAllDaemons) {
  begun(AdmissionOracle::kResultsOfUser, "ann", "d1");
  begun(1, "bob", "d1");
  EXPECT_EQ(judged.complaints(), "");
  begun(1, "ann", "d2");
  EXPECT_EQ(judged.complaints(), "admission.results");
}

TEST_F(Results, StoredResultsAndThoseOfEndedSessionsDoNotCount) {
  begun(AdmissionOracle::kResultsOfUser, "ann", "d1");
  ended(AdmissionOracle::kResultsOfUser, "ann", "d1");
  begun(AdmissionOracle::kResultsOfUser, "ann", "d2");
  judged.record("gateway.session.closed", {{"user", "ann"}, {"daemon", "d2"}, {"epoch", 1}}, kGateway);
  ended(AdmissionOracle::kResultsOfUser, "ann", "d2");
  begun(AdmissionOracle::kResultsOfUser, "ann", "d1");
  EXPECT_EQ(judged.complaints(), "");
}

// Room is found for a result that has waited when its stream ends.
TEST_F(Results, ResultsBegunAtTheEndOfASessionDoNotCount) {
  for (const std::string_view daemon : {"d1", "d2"}) {
    judged.record("gateway.session.closed", {{"user", "ann"}, {"daemon", daemon}, {"epoch", 1}}, kGateway);
    begun(AdmissionOracle::kResultsOfUser, "ann", daemon);
  }
  EXPECT_EQ(judged.complaints(), "");
}

}  // namespace
}  // namespace reliant::sim
