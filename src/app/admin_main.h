// `reliant admin …`: users and their tokens, directly in the database, until there is a sign-in.
#pragma once

#include <span>

#include "app/environment.h"
#include "base/command_line.h"

namespace reliant::app {

extern const std::span<const Command> kAdminCommands;

int admin_main(const Command& command, const Arguments& arguments, const Environment& environment);

}  // namespace reliant::app
