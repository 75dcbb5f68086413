// Context: where a coroutine runs. A `TaskScope` owns one and every task below it points to it: a task that
// is awaited inherits the context of its parent, a nested scope links to the context around it.
#pragma once

#include <cstdint>

namespace reliant {

class Executor;

struct Context {
  Executor* executor;
  Context* parent;     // of the scope around this one; null for a root scope
  std::uint32_t node;  // the simulated process (0 outside of the simulator); part of the run's hash
};

}  // namespace reliant
