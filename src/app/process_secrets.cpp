#include "app/process_secrets.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace reliant::app {
namespace {

constexpr std::string_view kOwnSecrets[] = {"RELIANT_TOKEN", "OPENAI_API_KEY", "DATABASE_URL", "NATS_URL", "TEMPORAL_API_KEY"};

}  // namespace

bool is_own_secret(std::string_view name) { return std::ranges::find(kOwnSecrets, name) != std::end(kOwnSecrets); }

void hide_process_secrets() {
  std::vector<std::pair<std::string, std::string>> variables;
  std::vector<std::pair<char*, std::size_t>> block;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    block.emplace_back(*entry, text.size());
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  (void)::clearenv();
  for (const auto& [name, value] : variables)
    if (!is_own_secret(name)) (void)::setenv(name.c_str(), value.c_str(), 1);
  for (const auto& [begin, size] : block) ::explicit_bzero(begin, size);
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace reliant::app
