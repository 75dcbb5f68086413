#include "adapters/embedded_temporal/embedded_temporal.h"

#include <utility>

namespace reliant::adapters {

EmbeddedTemporal::EmbeddedTemporal(Context& context, const Clock& clock, Random random, EventLog& log,
                                   ports::Database& database, temporal::engine::EngineOptions options)
    : engine_(context, clock, random, log, database, std::move(options)) {}

#define RELIANT_EMBEDDED_METHOD(name, Name)                                                                            \
  Task<Result<ports::wf::Name##Response>> EmbeddedTemporal::name(ports::wf::Name##Request request, Instant deadline) { \
    return engine_.name(std::move(request), deadline);                                                                 \
  }
RELIANT_TEMPORAL_METHODS(RELIANT_EMBEDDED_METHOD)
#undef RELIANT_EMBEDDED_METHOD

}  // namespace reliant::adapters
