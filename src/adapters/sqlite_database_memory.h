// Memory for SQLite in a process of one thread. A statement takes and gives back a few small pieces each time it runs,
// nearly always of the same sizes (the library as packaged has no pools of its own): they are kept in lists by size and
// handed out again. Nothing is given back to the system. Whoever uses SQLite otherwise has the system's allocator, as in
// the tests under AddressSanitizer.
#pragma once

namespace reliant::adapters {

// Before SQLite's first use in the process, else nothing happens.
void keep_sqlite_memory();

}  // namespace reliant::adapters
