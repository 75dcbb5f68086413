// The JSON Schema of workflow files: the visitor that writes down each described key.
#include <initializer_list>

#include "base/json.h"
#include "base/text.h"
#include "workflow/format/definition.h"

namespace reliant::workflow {
namespace {

constexpr std::string_view kIdPattern = "^[A-Za-z][A-Za-z0-9_]{0,63}$";
constexpr std::string_view kNamePattern = "^[A-Za-z][A-Za-z0-9_-]{0,63}$";
constexpr std::string_view kTimePattern = "^[0-9]+(ms|s|m|h)$";

json::object reference_to(std::string_view name) { return {{"$ref", concat("#/$defs/", name)}}; }
json::object list_of(json::value each) { return {{"type", "array"}, {"items", std::move(each)}}; }
json::object map_of(json::value each) { return {{"type", "object"}, {"additionalProperties", std::move(each)}}; }
json::object id_type() { return {{"type", "string"}, {"pattern", kIdPattern}}; }
// A scalar of YAML: a text without quotes may read as a number.
json::object text_type() { return {{"type", {"string", "number", "boolean"}}}; }

class SectionSchema {
 public:
  // --- the visitor ---
  void text(std::string_view key, std::string&, std::string_view about) { add(key, text_type(), about); }
  void flag(std::string_view key, bool&, std::string_view about) { add(key, {{"type", "boolean"}}, about); }
  void number(std::string_view key, std::int64_t&, std::int64_t low, std::int64_t high, std::string_view about) {
    add(key, {{"type", "integer"}, {"minimum", low}, {"maximum", high}}, about);
  }
  void duration(std::string_view key, Duration&, std::string_view about) {
    add(key, {{"type", "string"}, {"pattern", kTimePattern}}, about);
  }
  void word(std::string_view key, std::string&, std::initializer_list<std::string_view> words, std::string_view about) {
    add(key, {{"enum", words_of(words)}}, about);
  }
  void option(std::string_view key, TemplateText&, std::string_view about) { add(key, text_type(), about); }
  void option(std::string_view key, ExpressionText&, std::string_view about) { add(key, text_type(), about); }
  template <class Text>
  void required(std::string_view key, Text& text, std::string_view about) {
    option(key, text, about);
    required_.emplace_back(key);
  }
  void required_id(std::string_view key, std::string&, std::string_view about) {
    add(key, id_type(), about);
    required_.emplace_back(key);
  }
  void reference(std::string_view key, std::string&, Place&, std::string_view about) {
    add(key, {{"type", "string"}}, about);
    required_.emplace_back(key);
  }
  void name(std::string_view key, std::string&, Place&, std::string_view about) {
    add(key, {{"type", "string"}, {"pattern", kNamePattern}}, about);
    required_.emplace_back(key);
  }
  template <class Names>
  void names(std::string_view key, Names&, std::string_view about) {
    add(key, list_of(text_type()), about);
  }
  void one_or_many(std::string_view key, std::vector<std::string>&, std::string_view about) {
    add(key, {{"oneOf", {id_type(), list_of(id_type())}}}, about);
  }
  void values(std::string_view key, ValueTemplate&, std::string_view about) { add(key, {}, about); }
  void value(std::string_view key, ValueTemplate&, std::string_view about) { add(key, {}, about); }
  template <class Texts>
  void named(std::string_view key, Texts&, std::string_view about) {
    add(key, map_of(text_type()), about);
  }
  void inputs(std::string_view key, std::vector<Input>&, std::string_view about) {
    Input input;
    add(key, map_of(of(input)), about);
  }
  void outputs(std::string_view key, std::vector<Output>&, std::string_view about) { add(key, {{"type", "object"}}, about); }
  void branches(std::string_view key, std::vector<Branch>&, std::string_view about) {
    add(key, map_of(reference_to("graph")), about);
    required_.emplace_back(key);
  }
  void model(std::string_view key, Model& model, std::string_view about) {
    add(key, {{"oneOf", {json::object{{"type", "string"}}, of(model)}}}, about);
  }
  void thread(std::string_view key, Thread& thread, std::string_view about) {
    add(key, {{"oneOf", {json::object{{"enum", words_of({"inherit", "fork", "new"})}}, of(thread)}}}, about);
  }
  template <class Part>
  void part(std::string_view key, Part& part, std::string_view about) {
    add(key, of(part), about);
  }
  template <class Part>
  void part(std::string_view key, std::optional<Part>&, std::string_view about) {
    Part part;
    add(key, of(part), about);
  }
  template <class Part>
  void list(std::string_view key, std::vector<Part>&, std::string_view about) {
    Part part;
    add(key, list_of(of(part)), about);
  }
  void list(std::string_view key, std::vector<TemplateText>&, std::string_view about) { add(key, list_of(text_type()), about); }
  void nodes(std::string_view key, std::vector<GraphNode>&, std::string_view about) {
    json::object list = list_of(reference_to("node"));
    list["minItems"] = 1;
    json::object map = map_of(reference_to("named_node"));
    map["minProperties"] = 1;
    add(key, {{"oneOf", {std::move(list), std::move(map)}}}, about);
    required_.emplace_back(key);
  }

  // --- what it has written ---
  void add(std::string_view key, json::object type, std::string_view about) {
    if (!about.empty()) type["description"] = about;
    properties_[key] = std::move(type);
  }
  void require(std::string_view key) { required_.emplace_back(key); }
  json::object object() && {
    json::object object = {{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties_)}};
    if (!required_.empty()) object["required"] = std::move(required_);
    return object;
  }
  template <class Part>
  static json::object of(Part& part) {
    SectionSchema schema;
    describe(schema, part);
    return std::move(schema).object();
  }

 private:
  static json::array words_of(std::initializer_list<std::string_view> words) {
    json::array known;
    for (const std::string_view one : words) known.emplace_back(one);
    return known;
  }

  json::object properties_;
  json::array required_;
};

enum class Form { kListed, kNamed };

// A node of one type: its fields beside the common ones, or below the type's name (C24).
template <class Action>
json::object node_schema(Form form, bool nested) {
  SectionSchema schema;
  if (form == Form::kListed) {
    schema.add("id", id_type(), "the name by which expressions and edges know the node");
    schema.require("id");
  }
  GraphNode common;
  describe_common(schema, common);
  Action action;
  if (nested) {
    schema.add(Action::kType, SectionSchema::of(action), "");
    schema.require(Action::kType);
  } else {
    schema.add("type", {{"const", Action::kType}}, "");
    schema.require("type");
    describe(schema, action);
  }
  return std::move(schema).object();
}

template <std::size_t... I>
json::array node_schemas(Form form, std::index_sequence<I...>) {
  json::array all;
  (all.emplace_back(node_schema<std::variant_alternative_t<I, NodeAction>>(form, false)), ...);
  (all.emplace_back(node_schema<std::variant_alternative_t<I, NodeAction>>(form, true)), ...);
  return all;
}

constexpr auto kEachType = std::make_index_sequence<std::variant_size_v<NodeAction>>();

template <class File>
json::object file_schema(std::string_view title) {
  File file;
  json::object schema = SectionSchema::of(file);
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = title;
  return schema;
}

}  // namespace

std::string workflow_schema() {
  json::object schema = file_schema<WorkflowDefinition>("A workflow of .reliant/workflows");
  Graph graph;
  schema["$defs"] = {{"graph", SectionSchema::of(graph)},
                     {"node", {{"oneOf", node_schemas(Form::kListed, kEachType)}}},
                     {"named_node", {{"oneOf", node_schemas(Form::kNamed, kEachType)}}}};
  return to_json(schema);
}

std::string preset_schema() { return to_json(file_schema<Preset>("A preset of .reliant/presets")); }

}  // namespace reliant::workflow
