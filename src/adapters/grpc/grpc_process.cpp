#include "adapters/grpc/grpc_process.h"

#include <absl/synchronization/mutex.h>
#include <grpc/support/log.h>

namespace reliant::adapters {

void prepare_process_for_grpc() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  if (gpr_should_log(GPR_LOG_SEVERITY_INFO) == 0) gpr_set_log_function([](gpr_log_func_args*) {});
}

}  // namespace reliant::adapters
