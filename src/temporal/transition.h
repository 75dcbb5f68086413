// Transition tables: what a state machine may do is data, at the head of its file; what is not in the table
// cannot happen in a history that a server wrote for the code at hand.
#pragma once

#include <cstddef>
#include <optional>

namespace reliant::temporal {

template <class State, class Input>
struct Transition {
  State from;
  Input input;
  State to;
};

template <class State, class Input, std::size_t N>
constexpr std::optional<State> next_state(const Transition<State, Input> (&table)[N], State from, Input input) {
  for (const Transition<State, Input>& row : table) {
    if (row.from == from && row.input == input) return row.to;
  }
  return std::nullopt;
}

}  // namespace reliant::temporal
