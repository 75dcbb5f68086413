// Every connection is an open file, and a shell gives a program 1,024 of them: a server takes all that the machine allows.
// Not for who starts programs of others: they inherit it, and some close every file that they might have.
#pragma once

#include <cstdint>

namespace reliant::adapters {

// How many this process may have from now on.
std::uint64_t allow_all_open_files();

}  // namespace reliant::adapters
