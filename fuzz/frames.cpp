#include "frames.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include "runtime/random.h"

// Of libFuzzer.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace reliant::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr std::size_t kLengthBytes = 2;
constexpr std::size_t kLongestText = 96;   // bytes that a text grows to
constexpr std::size_t kMostRepeated = 16;  // values of a repeated field
constexpr std::array<std::int64_t, 8> kNumbers = {0,
                                                  1,
                                                  2,
                                                  -1,
                                                  std::numeric_limits<std::int32_t>::max(),
                                                  std::numeric_limits<std::int32_t>::min(),
                                                  std::numeric_limits<std::int64_t>::max(),
                                                  std::numeric_limits<std::int64_t>::min()};

std::string joined(const std::vector<std::string>& frames) {
  std::string out;
  for (const std::string& frame : frames) {
    const std::size_t length = std::min<std::size_t>(frame.size(), std::numeric_limits<std::uint16_t>::max());
    out += static_cast<char>(length & 0xff);
    out += static_cast<char>(length >> 8);
    out += frame.substr(0, length);
  }
  return out;
}

std::string mutated(std::string text, std::size_t longest) {
  const std::size_t size = std::min(text.size(), longest);
  text.resize(longest);
  text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), size, longest));
  return text;
}

std::int64_t any_number(Random& random) {
  const std::uint64_t near = random.below(40);
  return near < kNumbers.size() ? kNumbers[near] : static_cast<std::int64_t>(near) - 8;
}

void mutate_message(Message& message, Random& random);

// Sets a field that is not repeated, or adds a value to one that is.
void set_field(Message& message, const FieldDescriptor& field, Random& random) {
  const Reflection& reflection = *message.GetReflection();
  const bool repeated = field.is_repeated();
  const auto set = [&](auto add, auto replace, auto value) {
    (reflection.*(repeated ? add : replace))(&message, &field, std::move(value));
  };
  const std::int64_t number = any_number(random);
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return set(&Reflection::AddInt32, &Reflection::SetInt32, static_cast<std::int32_t>(number));
    case FieldDescriptor::CPPTYPE_INT64:
      return set(&Reflection::AddInt64, &Reflection::SetInt64, number);
    case FieldDescriptor::CPPTYPE_UINT32:
      return set(&Reflection::AddUInt32, &Reflection::SetUInt32, static_cast<std::uint32_t>(number));
    case FieldDescriptor::CPPTYPE_UINT64:
      return set(&Reflection::AddUInt64, &Reflection::SetUInt64, static_cast<std::uint64_t>(number));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return set(&Reflection::AddDouble, &Reflection::SetDouble, static_cast<double>(number));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return set(&Reflection::AddFloat, &Reflection::SetFloat, static_cast<float>(number));
    case FieldDescriptor::CPPTYPE_BOOL:
      return set(&Reflection::AddBool, &Reflection::SetBool, number % 2 != 0);
    case FieldDescriptor::CPPTYPE_ENUM:
      return set(&Reflection::AddEnumValue, &Reflection::SetEnumValue, static_cast<int>(random.below(64)));
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string text = repeated ? "" : reflection.GetString(message, &field);
      return set(&Reflection::AddString, &Reflection::SetString, mutated(std::move(text), kLongestText));
    }
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      Message& inner = *(repeated ? reflection.AddMessage(&message, &field) : reflection.MutableMessage(&message, &field));
      return mutate_message(inner, random);
    }
  }
}

void mutate_message(Message& message, Random& random) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> present;
  reflection.ListFields(message, &present);
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  if (type.field_count() == 0) return;
  // A present field is changed more often than another one is set: in a oneof, setting one would make another message.
  const bool change = !present.empty() && random.below(8) != 0;
  const FieldDescriptor& field =
      change ? *present[random.below(present.size())]
             : *type.field(static_cast<int>(random.below(static_cast<std::uint64_t>(type.field_count()))));
  if (change && random.below(12) == 0) return reflection.ClearField(&message, &field);
  const bool repeated = field.is_repeated();
  const int count = repeated ? reflection.FieldSize(message, &field) : 0;
  if (repeated && count > 0 && field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && random.below(3) != 0)
    return mutate_message(
        *reflection.MutableRepeatedMessage(&message, &field, static_cast<int>(random.below(static_cast<std::uint64_t>(count)))),
        random);
  if (repeated && (count >= static_cast<int>(kMostRepeated) || (count > 0 && random.below(3) == 0)))
    return reflection.RemoveLast(&message, &field);
  set_field(message, field, random);
}

}  // namespace

std::vector<std::string> frames_of(std::string_view input) {
  std::vector<std::string> frames;
  while (input.size() >= kLengthBytes) {
    const std::size_t length = static_cast<std::size_t>(static_cast<unsigned char>(input[0])) |
                               static_cast<std::size_t>(static_cast<unsigned char>(input[1])) << 8;
    input.remove_prefix(kLengthBytes);
    frames.emplace_back(input.substr(0, length));
    input.remove_prefix(frames.back().size());
  }
  return frames;
}

std::size_t mutate_frames(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed, const Message& prototype) {
  Random random(seed);
  std::vector<std::string> frames = frames_of({reinterpret_cast<const char*>(data), size});
  if (frames.empty()) frames.emplace_back();
  const std::size_t at = random.below(frames.size());
  const std::size_t other = random.below(frames.size());
  const std::uint64_t what = random.below(16);
  if (what == 0) {
    frames.erase(frames.begin() + static_cast<std::ptrdiff_t>(at));
  } else if (what <= 2) {
    frames.insert(frames.begin() + static_cast<std::ptrdiff_t>(at), std::string(frames[other]));
  } else if (what == 3) {
    std::swap(frames[at], frames[other]);
  } else if (what == 4) {
    frames[at] = mutated(std::move(frames[at]), frames[at].size() + 16);
  } else {
    const std::unique_ptr<Message> message(prototype.New());
    (void)message->ParsePartialFromString(frames[at]);
    mutate_message(*message, random);
    frames[at] = message->SerializePartialAsString();
  }
  const std::string out = joined(frames);
  if (out.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, out.data(), out.size());
  return out.size();
}

}  // namespace reliant::fuzz
