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

TEST_F(AtOnce, SoManyMayRegister) {
  judged.record("gateway.session.opened", {}, kGateway);
  judged.record("gateway.registration.begun", {}, kGateway);
  judged.record("gateway.session.refused", {{"retry_after_us", 0}}, kGateway);
  judged.record("gateway.registration.begun", {}, kGateway);
  judged.record("gateway.registration.begun", {}, kGateway + 1);
  EXPECT_EQ(judged.complaints(), "");
}

TEST_F(AtOnce, WhoWasSentAwayAtTheDoorFreesNoPlace) {
  judged.record("gateway.session.refused", {{"retry_after_us", 1}}, kGateway);
  judged.record("gateway.registration.begun", {}, kGateway);
  EXPECT_EQ(judged.complaints(), "admission.bounded");
}

}  // namespace
}  // namespace reliant::sim
