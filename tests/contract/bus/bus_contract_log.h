// CountingLog: how often which event came, for tests that ask what had happened on the way.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "base/event_log.h"

namespace reliant::tests {

class CountingLog final : public EventLog {
 public:
  int count(std::string_view name) const {
    const auto found = counts_.find(std::string(name));
    return found == counts_.end() ? 0 : found->second;
  }
  std::int64_t most_hops() const { return most_hops_; }

 private:
  void record(Level, std::string_view name, std::initializer_list<Field> fields) override {
    ++counts_[std::string(name)];
    for (const Field& field : fields)
      if (field.key == "hops") most_hops_ = std::max(most_hops_, std::get<std::int64_t>(field.value));
  }
  std::int64_t most_hops_ = 0;
  std::map<std::string, int> counts_;
};

}  // namespace reliant::tests
