// The words of the small command language of SimProcesses (see sim_process.h), without running anything.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace reliant::sim {

struct ShellCommand {
  enum class Output { kStdout, kStderr, kFile, kAppendFile };

  std::vector<std::string> words;
  Output output = Output::kStdout;
  std::string file;                 // for kFile and kAppendFile
  bool only_after_success = false;  // joined to the one before by &&
};

// Never fails: unparsable text becomes a command that does not exist.
std::vector<ShellCommand> parse_shell(std::string_view script, const std::map<std::string, std::string>& variables);

}  // namespace reliant::sim
