// An input that is a list of messages: each with its length before it, in two bytes, the lower one first. A length that reaches
// beyond the end means all that is left, so every input is a list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/message.h>

namespace reliant::fuzz {

std::vector<std::string> frames_of(std::string_view input);

// The result of LLVMFuzzerCustomMutator for frames that are messages of one type: mostly it changes a field of one of them, so that
// the output can still be decoded. `prototype` is a message of that type.
std::size_t mutate_frames(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed,
                          const google::protobuf::Message& prototype);

}  // namespace reliant::fuzz
