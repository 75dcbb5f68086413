// LogFile: where the event log of a server goes: a file that is added to, or the standard error. At a start,
// a file that has grown large becomes FILE.old.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "base/status.h"

namespace reliant::app {

class LogFile {
 public:
  // "-": the standard error. INVALID_ARGUMENT (field --log-file): it cannot be written.
  static Result<LogFile> open(const std::string& path);

  std::FILE* file() const { return file_.get(); }

 private:
  struct Close {
    void operator()(std::FILE* file) const {
      if (file != stderr) std::fclose(file);
    }
  };
  explicit LogFile(std::FILE* file) : file_(file) {}

  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace reliant::app
