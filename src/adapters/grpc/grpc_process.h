// What gRPC needs of the whole process. Each adapter that uses gRPC calls this before its first call, as
// often as it likes.
#pragma once

namespace reliant::adapters {

// Process-global: gRPC writes nothing to the standard error, because what happened comes as a status
// (GRPC_VERBOSITY brings its log back); and Abseil does not look for deadlocks at each lock of gRPC's, as
// Debian's build of Abseil does. Any thread.
void prepare_process_for_grpc();

}  // namespace reliant::adapters
