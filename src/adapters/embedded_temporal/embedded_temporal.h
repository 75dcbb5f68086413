// EmbeddedTemporal: the Temporal port served in this process by the embedded engine over a local database (R11, C37).
//
// The monolith has no Temporal cluster: api and worker call this instead, and their workflows survive a restart because
// every answer was committed to temporal.db first. Owner: the composition root, which also owns the database and keeps it
// for longer; the engine's tables must have no other writer. Executor: the logic thread.
// Failures: those of the port; calls made before `start` has succeeded wait for it. Callers are destroyed or
// stopped before this is; work that is not committed by then is dropped without effect.
#pragma once

#include "base/event_log.h"
#include "ports/database.h"
#include "ports/temporal.h"
#include "runtime/clock.h"
#include "runtime/context.h"
#include "runtime/random.h"
#include "temporal/engine/engine.h"

namespace reliant::adapters {

class EmbeddedTemporal final : public ports::Temporal {
 public:
  EmbeddedTemporal(Context& context, const Clock& clock, Random random, EventLog& log, ports::Database& database,
                   temporal::engine::EngineOptions options = {});

  // Makes the tables, takes up what was left undone. Retry after UNAVAILABLE.
  Task<Status> start(Instant deadline) { return engine_.start(deadline); }

#define RELIANT_EMBEDDED_METHOD(name, Name) \
  Task<Result<ports::wf::Name##Response>> name(ports::wf::Name##Request request, Instant deadline) override;
  RELIANT_TEMPORAL_METHODS(RELIANT_EMBEDDED_METHOD)
#undef RELIANT_EMBEDDED_METHOD

 private:
  temporal::engine::Engine engine_;
};

}  // namespace reliant::adapters
