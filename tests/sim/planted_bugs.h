// Bugs to be found: decorators (sim/cluster/decorators.h) that break a promise of a port, of a role, or of the engine, each
// in the way in which real ones are broken. The production code knows nothing of them.
#pragma once

#include "cluster/decorators.h"

namespace reliant::sim {

// A port: a journal whose disk says "written" and now and then has written nothing.
Decorators journal_that_forgets();
// A port: a bus that delivers some answers to the inbox of another request.
Decorators bus_that_misroutes();
// A role: a gateway that answers "not executed" when it has lost a daemon's stream, instead of "try again".
Decorators gateway_that_guesses();
// The engine: a signal is acknowledged and lost.
Decorators engine_that_loses_signals();

}  // namespace reliant::sim
