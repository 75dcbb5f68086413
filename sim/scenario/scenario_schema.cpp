// The JSON schema of scenario files: the visitor that writes each described field.
#include <initializer_list>

#include "base/json.h"
#include "scenario/scenario.h"

namespace reliant::sim {
namespace {

constexpr std::string_view kCountPattern = R"(^\s*\d+\s*(\.\.\s*\d+\s*)?$)";
constexpr std::string_view kTimePattern =
    R"(^\s*(0|\d+(\.\d{1,9})?(ns|us|ms|s|m|h))\s*(\.\.\s*(0|\d+(\.\d{1,9})?(ns|us|ms|s|m|h))\s*)?$)";
constexpr std::string_view kChancePattern = R"(^\s*(0|\d+(\.\d{1,4})?%)\s*(\.\.\s*(0|\d+(\.\d{1,4})?%)\s*)?$)";

json::object text_type(std::string_view pattern) {
  json::object type;
  type["type"] = {"string", "integer"};
  type["pattern"] = pattern;
  return type;
}
json::object type_of(const Span&) { return text_type(kTimePattern); }
json::object type_of(const When&) { return text_type(kTimePattern); }
json::object type_of(const Chance&) { return text_type(kChancePattern); }

class SectionSchema {
 public:
  void option(std::string_view key, Count&, std::int64_t low, std::int64_t high, std::string_view about) {
    json::object type = text_type(kCountPattern);
    type["minimum"] = low;
    type["maximum"] = high;
    add(key, std::move(type), about);
  }
  template <class Option>
  void option(std::string_view key, Option& option, std::string_view about) {
    add(key, type_of(option), about);
  }
  void word(std::string_view key, std::string&, std::initializer_list<std::string_view> words, std::string_view about) {
    json::array known;
    for (const std::string_view one : words) known.emplace_back(one);
    add(key, {{"enum", std::move(known)}}, about);
  }
  void text(std::string_view key, std::string&, std::string_view about) { add(key, {{"type", "string"}}, about); }
  void trigger(std::string_view key, std::string& event, std::string_view about) { text(key, event, about); }
  void place(std::string_view key, std::string& place, Places, std::string_view about) { text(key, place, about); }
  void required_text(std::string_view key, std::string& unused, std::string_view about) {
    text(key, unused, about);
    required_.emplace_back(key);
  }
  void block(std::string_view key, std::string&, std::string_view about) { add(key, {{"type", "object"}}, about); }
  template <class Section>
  void section(std::string_view key, Section& section, std::string_view about) {
    add(key, of(section), about);
  }
  void numbers(std::string_view key, std::map<std::string, std::int64_t>&, std::string_view about) {
    json::object each = {{"type", "integer"}, {"minimum", 0}};
    add(key, {{"type", "object"}, {"additionalProperties", std::move(each)}}, about);
  }
  void list(std::string_view key, std::vector<Fault>&, std::string_view about) {
    json::array kinds;
    add_kinds<0>(kinds);
    json::object each = {{"oneOf", std::move(kinds)}};
    add(key, {{"type", "array"}, {"items", std::move(each)}}, about);
  }

  template <class Section>
  static json::object of(Section& section) {
    SectionSchema schema;
    describe(schema, section);
    return std::move(schema).object();
  }

 private:
  void add(std::string_view key, json::object type, std::string_view about) {
    type["description"] = about;
    properties_[key] = std::move(type);
  }
  json::object object() && {
    json::object object = {{"type", "object"}, {"additionalProperties", false}};
    object["properties"] = std::move(properties_);
    if (!required_.empty()) object["required"] = std::move(required_);
    return object;
  }
  template <std::size_t I>
  static void add_kinds(json::array& kinds) {
    if constexpr (I < std::variant_size_v<Fault>) {
      std::variant_alternative_t<I, Fault> kind;
      SectionSchema schema;
      schema.section(kind.kName, kind, kind.kAbout);
      schema.required_.emplace_back(kind.kName);
      kinds.push_back(std::move(schema).object());
      add_kinds<I + 1>(kinds);
    }
  }

  json::object properties_;
  json::array required_;
};

}  // namespace

std::string scenario_schema() {
  Scenario scenario;
  json::object schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "reliant-sim scenario"}};
  for (auto& [key, value] : SectionSchema::of(scenario)) schema[key] = value;
  return to_json(schema);
}

}  // namespace reliant::sim
