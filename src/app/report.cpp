#include "app/report.h"

#include <cstdio>
#include <string>

#include "base/cause.h"

namespace reliant::app {

int report(const Status& status) {
  std::string line = described(status);
  for (char& c : line) {
    if (c == '\n') c = ' ';
  }
  std::fprintf(stderr, "reliant: %s\n", line.c_str());
  const std::string field = field_of(status);
  const bool of_flag = status.code() == StatusCode::kInvalidArgument && (field.starts_with("--") || field.empty());
  return of_flag ? kUsage : kFailed;
}

void warn(const std::string& line) { std::fprintf(stderr, "reliant: warning: %s\n", line.c_str()); }

void note(const std::string& line) { std::fprintf(stderr, "reliant: %s\n", line.c_str()); }

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

}  // namespace reliant::app
