// Finally: calls a function when its scope ends, however it ends; also when the coroutine that holds it is destroyed.
//
//   const Finally leave([&] { --waiting_; });
#pragma once

#include <utility>

namespace reliant {

template <class Function>
class [[nodiscard]] Finally {
 public:
  explicit Finally(Function function) : function_(std::move(function)) {}
  Finally(const Finally&) = delete;
  Finally& operator=(const Finally&) = delete;
  ~Finally() { function_(); }

 private:
  Function function_;
};

}  // namespace reliant
