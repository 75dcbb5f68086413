// Status and temporal.api.failure.v1.Failure, both ways. An application failure's type is the code's name
// ("NOT_FOUND"), its details carry field and reason, and it may be retried unless the code says that trying
// again cannot help.
#pragma once

#include <temporal/api/failure/v1/message.pb.h>

#include "base/status.h"

namespace reliant::temporal {

// What a status says of the time to try again (with_retry_after) is the delay before the next attempt.
::temporal::api::failure::v1::Failure failure_from(const Status& status);

// Whether an activity that ends with it is attempted again, as its options say; with the other codes it would fail again.
bool may_be_attempted_again(const Status& status);

// Never OK. A timeout is DEADLINE_EXCEEDED with the reason "START_TO_CLOSE", "HEARTBEAT", …; a cancellation
// CANCELLED; a termination ABORTED; what an activity or a child failed with is that failure.
Status status_from(const ::temporal::api::failure::v1::Failure& failure);

}  // namespace reliant::temporal
