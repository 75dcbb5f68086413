// The environment of the process, read here and nowhere else. Tests give one of their own.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/posix/process_start.h"

namespace reliant::app {

class Environment {
 public:
  Environment() = default;
  explicit Environment(std::map<std::string, std::string, std::less<>> variables) : variables_(std::move(variables)) {}
  // `inherited`: what this process was given besides (adapters/process_start.h).
  static Environment of_process(adapters::Inherited inherited);

  // Nullopt: not set, or set to nothing.
  std::optional<std::string> get(std::string_view name) const;
  std::optional<std::string> operator()(std::string_view name) const { return get(name); }  // as a ReadVariable
  const std::map<std::string, std::string, std::less<>>& variables() const { return variables_; }
  // Umask and file limit of the processes that tools start. Nothing: as this process has them.
  const std::optional<adapters::Inherited>& inherited() const { return inherited_; }

 private:
  std::map<std::string, std::string, std::less<>> variables_;
  std::optional<adapters::Inherited> inherited_;
};

// What this machine is called; "localhost" when it has no name.
std::string host_name();

}  // namespace reliant::app
