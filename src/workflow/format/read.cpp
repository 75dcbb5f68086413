// Reading a workflow file: the visitor that takes each described key out of a YAML map.
#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <set>

#include "base/command_line.h"
#include "base/text.h"
#include "workflow/format/definition.h"
#include "workflow/format/library.h"

namespace reliant::workflow {
namespace {

constexpr int kMaxNesting = 16;  // of nodes in nodes

Place place_of(const YamlNode& node) { return {node.line, node.column}; }

bool is_id(std::string_view text, bool dashes) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (text.empty() || text.size() > 64 || !letter(text.front())) return false;
  return std::ranges::all_of(
      text, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || (dashes ? c == '-' || c == '_' : c == '_'); });
}

Result<Duration> read_duration(const YamlNode& node) {
  static constexpr std::pair<std::string_view, Duration> kUnits[] = {{"ms", std::chrono::milliseconds(1)},
                                                                     {"s", std::chrono::seconds(1)},
                                                                     {"m", std::chrono::minutes(1)},
                                                                     {"h", std::chrono::hours(1)}};
  const std::string& text = node.scalar;
  std::int64_t count = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(parsed.ptr, text.data() + text.size());
  const auto* found = std::ranges::find(kUnits, unit, &std::pair<std::string_view, Duration>::first);
  const bool read = node.kind == YamlNode::Kind::kScalar && parsed.ec == std::errc() && found != std::end(kUnits);
  if (!read || count < 0 || count > kLongestNode / found->second) {
    return node.error(concat("\"", node.key, "\" must be a time from 0s to 720h, such as 500ms, 30s, 5m or 2h"));
  }
  return count * found->second;
}

// The types of nodes, by their place in the variant.
template <std::size_t... I>
constexpr auto type_names(std::index_sequence<I...>) {
  return std::array{std::variant_alternative_t<I, NodeAction>::kType...};
}
constexpr auto kTypes = type_names(std::make_index_sequence<std::variant_size_v<NodeAction>>());

std::string unknown_type(std::string_view given) {
  std::vector<std::string> known(kTypes.begin(), kTypes.end());
  const std::string meant = nearest(given, kTypes);
  const std::string hint = meant.empty() ? "" : concat("; did you mean \"", meant, "\"?");
  return concat("\"", given, "\" is no type of node", hint, " Known are ", join(known, ", "));
}

class Reader {
 public:
  Reader(const YamlNode& node, int nesting) : node_(node), nesting_(nesting), reader_(node) {}

  // --- the visitor ---
  void text(std::string_view key, std::string& text, std::string_view) { text = reader_.optional_string(key, text); }
  void flag(std::string_view key, bool& flag, std::string_view) { flag = reader_.optional_bool(key, flag); }
  void number(std::string_view key, std::int64_t& number, std::int64_t low, std::int64_t high, std::string_view) {
    const std::int64_t given = reader_.optional_int(key, number);
    const YamlNode* node = node_.find(key);
    if (node != nullptr && (given < low || given > high)) {
      return reader_.fail(node->error(concat("\"", key, "\" must be from ", low, " to ", high)));
    }
    number = given;
  }
  void duration(std::string_view key, Duration& duration, std::string_view) {
    const YamlNode* node = reader_.optional_node(key);
    if (node == nullptr) return;
    keep(read_duration(*node), duration);
  }
  void word(std::string_view key, std::string& word, std::initializer_list<std::string_view> words, std::string_view) {
    word = reader_.optional_string(key, word);
    if (std::ranges::find(words, word) != words.end()) return;
    std::vector<std::string> known;
    for (const std::string_view one : words) known.emplace_back(one);
    if (const YamlNode* node = node_.find(key)) {
      reader_.fail(node->error(concat("\"", key, "\" must be one of ", join(known, ", "))));
    }
  }
  void option(std::string_view key, TemplateText& text, std::string_view) { take_text(reader_.optional_node(key), text); }
  void option(std::string_view key, ExpressionText& text, std::string_view) { take_text(reader_.optional_node(key), text); }
  void required(std::string_view key, TemplateText& text, std::string_view about) { require(key, text, about); }
  void required(std::string_view key, ExpressionText& text, std::string_view about) { require(key, text, about); }
  void required_id(std::string_view key, std::string& id, std::string_view) {
    id = reader_.required_string(key);
    if (const YamlNode* node = node_.find(key); node != nullptr && id.empty()) {
      reader_.fail(node->error(concat("\"", key, "\" must name a node")));
    }
  }
  void reference(std::string_view key, std::string& text, Place& place, std::string_view) {
    text = reader_.required_string(key);
    if (const YamlNode* node = node_.find(key)) place = place_of(*node);
  }
  void name(std::string_view key, std::string& name, Place& place, std::string_view) {
    reference(key, name, place, "");
    if (place.line != 0 && !is_id(name, true)) {
      reader_.fail(node_.find(key)->error(
          concat("\"", key, "\" is \"", name, "\"; it must be letters, digits, \"-\" and \"_\", a letter first, at most 64")));
    }
  }
  void names(std::string_view key, std::vector<std::string>& names, std::string_view) {
    const YamlNode* node = reader_.optional_node(key);
    if (node == nullptr) return;
    if (node->kind != YamlNode::Kind::kList) return reader_.fail(node->error(concat("\"", key, "\" must be a list of names")));
    for (const YamlNode& item : node->items) {
      if (item.kind != YamlNode::Kind::kScalar)
        return reader_.fail(item.error(concat("\"", key, "\" must be a list of names")));
      names.push_back(item.scalar);
    }
  }
  void names(std::string_view key, std::optional<std::vector<std::string>>& given, std::string_view about) {
    if (node_.find(key) != nullptr) names(key, given.emplace(), about);
    (void)reader_.optional_node(key);
  }
  void one_or_many(std::string_view key, std::vector<std::string>& ids, std::string_view about) {
    const YamlNode* node = reader_.optional_node(key);
    if (node == nullptr) return;
    if (node->kind != YamlNode::Kind::kScalar) return names(key, ids, about);
    ids.push_back(node->scalar);
  }
  void values(std::string_view key, ValueTemplate& value, std::string_view) { this->value(key, value, ""); }
  void value(std::string_view key, ValueTemplate& value, std::string_view) {
    if (const YamlNode* node = reader_.optional_node(key)) value.value = *node;
  }
  void named(std::string_view key, std::vector<std::pair<std::string, TemplateText>>& texts, std::string_view) {
    for_each_field(key,
                   [&](const YamlNode& field) { take_text(&field, texts.emplace_back(field.key, TemplateText{}).second); });
  }
  void inputs(std::string_view key, std::vector<Input>& inputs, std::string_view) {
    for_each_field(key, [&](const YamlNode& field) { read_input(field, inputs.emplace_back()); });
  }
  void outputs(std::string_view key, std::vector<Output>& outputs, std::string_view) {
    for_each_field(key, [&](const YamlNode& field) { outputs.push_back({field.key, {field}}); });
  }
  void branches(std::string_view key, std::vector<Branch>& branches, std::string_view) {
    if (node_.find(key) == nullptr) reader_.fail(node_.error(concat("key \"", key, "\" is missing")));
    for_each_field(key, [&](const YamlNode& field) {
      if (!id_is_good(field, field.key)) return;
      Branch& branch = branches.emplace_back();
      branch.name = field.key;
      branch.place = place_of(field);
      read_part(field, branch);
    });
  }
  void model(std::string_view key, Model& model, std::string_view) {
    const YamlNode* node = reader_.optional_node(key);
    if (node == nullptr) return;
    if (node->kind == YamlNode::Kind::kScalar) return take_text(node, model.name);
    read_part(*node, model);
  }
  void thread(std::string_view key, Thread& thread, std::string_view about) {
    const YamlNode* node = reader_.optional_node(key);
    if (node == nullptr) return;
    thread.place = place_of(*node);
    if (node->kind != YamlNode::Kind::kScalar) return read_part(*node, thread);
    word(key, thread.mode, {"inherit", "fork", "new"}, about);
  }
  template <class Part>
  void part(std::string_view key, Part& part, std::string_view) {
    if (const YamlNode* node = reader_.optional_node(key)) read_part(*node, part);
  }
  template <class Part>
  void part(std::string_view key, std::optional<Part>& part, std::string_view) {
    if (const YamlNode* node = reader_.optional_node(key)) read_part(*node, part.emplace());
  }
  template <class Part>
  void list(std::string_view key, std::vector<Part>& parts, std::string_view) {
    const YamlNode* node = reader_.optional_node(key);
    if (node == nullptr) return;
    if (node->kind != YamlNode::Kind::kList) return reader_.fail(node->error(concat("\"", key, "\" must be a list")));
    for (const YamlNode& item : node->items) read_item(item, parts.emplace_back());
  }
  void nodes(std::string_view key, std::vector<GraphNode>& nodes, std::string_view);

  Status finish() { return reader_.finish(); }

 private:
  template <class T>
  void keep(Result<T> read, T& into) {
    if (read.ok()) {
      into = *std::move(read);
    } else {
      reader_.fail(read.status());
    }
  }
  template <class Text>
  void take_text(const YamlNode* node, Text& text) {
    if (node == nullptr) return;
    if (node->kind != YamlNode::Kind::kScalar) return reader_.fail(node->error(concat("\"", node->key, "\" must be a text")));
    text.text = node->scalar;
    text.place = place_of(*node);
  }
  template <class Text>
  void require(std::string_view key, Text& text, std::string_view about) {
    const YamlNode* node = reader_.optional_node(key);
    if (node == nullptr) return reader_.fail(node_.error(concat("key \"", key, "\" is missing: ", about)));
    take_text(node, text);
    if (text.text.empty()) reader_.fail(node->error(concat("\"", key, "\" is empty: ", about)));
  }
  template <class Each>
  void for_each_field(std::string_view key, Each each) {
    const YamlNode* node = reader_.optional_node(key);
    if (node == nullptr) return;
    if (node->kind != YamlNode::Kind::kMap) return reader_.fail(node->error(concat("\"", key, "\" must be a map of names")));
    for (const YamlNode& field : node->fields) each(field);
  }
  template <class Part>
  void read_part(const YamlNode& node, Part& part) {
    Reader reader(node, nesting_ + 1);
    describe(reader, part);
    reader_.fail(reader.finish());
  }
  template <class Part>
  void read_item(const YamlNode& item, Part& part) {
    part.place = place_of(item);
    read_part(item, part);
  }
  void read_item(const YamlNode& item, TemplateText& text) {
    if (item.kind != YamlNode::Kind::kScalar) return reader_.fail(item.error("must be a text"));
    text = {item.scalar, place_of(item)};
  }
  void read_input(const YamlNode& field, Input& input) {
    if (!id_is_good(field, field.key)) return;
    input.name = field.key;
    input.place = place_of(field);
    if (field.kind == YamlNode::Kind::kMap) return read_part(field, input);
    reader_.fail(field.error(concat("input \"", field.key, "\" must be a map: {type: string, default: …}")));
  }
  bool id_is_good(const YamlNode& where, std::string_view id) {
    if (is_id(id, false)) return true;
    reader_.fail(
        where.error(concat("\"", id, "\" must be letters, digits and \"_\", a letter first, at most 64: expressions name it")));
    return false;
  }
  void read_node(const YamlNode& item, GraphNode& node, bool listed);
  bool choose_action(const YamlNode& item, std::string_view type, NodeAction& action);

  const YamlNode& node_;
  int nesting_;
  YamlReader reader_;
};

template <std::size_t I = 0>
bool set_action(std::string_view type, NodeAction& action) {
  if constexpr (I == std::variant_size_v<NodeAction>) {
    return false;
  } else {
    if (kTypes[I] != type) return set_action<I + 1>(type, action);
    action.emplace<I>();
    return true;
  }
}

bool Reader::choose_action(const YamlNode& item, std::string_view type, NodeAction& action) {
  if (set_action(type, action)) return true;
  reader_.fail(item.error(unknown_type(type)));
  return false;
}

// `type: agent` with the fields of the type beside it, or `agent: {fields}` (C24).
void Reader::read_node(const YamlNode& item, GraphNode& node, bool listed) {
  node.place = place_of(item);
  if (item.kind != YamlNode::Kind::kMap) {
    return reader_.fail(item.error("a node must be a map: \"id: NAME\" and \"type: TYPE\", or \"NAME: {TYPE: {…}}\""));
  }
  Reader reader(item, nesting_ + 1);
  if (listed) {
    node.id = reader.reader_.required_string("id");
    const YamlNode* given = item.find("id");
    if (given != nullptr && !id_is_good(*given, node.id)) return;
  } else {
    node.id = item.key;
    if (!id_is_good(item, node.id)) return;
  }
  describe_common(reader, node);
  const YamlNode* type = reader.reader_.optional_node("type");
  if (type != nullptr) {
    if (!choose_action(*type, type->scalar, node.action)) return;
    std::visit([&](auto& action) { describe(reader, action); }, node.action);
  } else {
    const auto nested = std::ranges::find_if(
        item.fields, [](const YamlNode& field) { return std::ranges::find(kTypes, field.key) != kTypes.end(); });
    if (nested == item.fields.end()) {
      std::vector<std::string> known(kTypes.begin(), kTypes.end());
      return reader_.fail(item.error(concat("node \"", node.id, "\" has no type; known are ", join(known, ", "))));
    }
    if (!choose_action(*nested, nested->key, node.action)) return;
    (void)reader.reader_.optional_node(nested->key);
    std::visit([&](auto& action) { reader.part(nested->key, action, ""); }, node.action);
  }
  reader_.fail(reader.finish());
}

void Reader::nodes(std::string_view key, std::vector<GraphNode>& nodes, std::string_view) {
  const YamlNode* node = reader_.optional_node(key);
  if (node == nullptr) return reader_.fail(node_.error(concat("key \"", key, "\" is missing")));
  const bool listed = node->kind == YamlNode::Kind::kList;
  if (!listed && node->kind != YamlNode::Kind::kMap) {
    return reader_.fail(node->error(concat("\"", key, "\" must be a list of nodes, or a map of ids and nodes")));
  }
  const std::vector<YamlNode>& items = listed ? node->items : node->fields;
  if (items.empty()) return reader_.fail(node->error(concat("\"", key, "\" is empty; it needs a node")));
  if (nesting_ > kMaxNesting) return reader_.fail(node->error(concat("nodes are nested more than ", kMaxNesting, " deep")));
  std::set<std::string> ids;
  for (const YamlNode& item : items) {
    GraphNode& one = nodes.emplace_back();
    read_node(item, one, listed);
    if (!one.id.empty() && !ids.insert(one.id).second) {
      reader_.fail(item.error(concat("the id \"", one.id, "\" is given twice; ids are unique in their list")));
    }
  }
}

template <class File>
Status read_file(const YamlNode& root, File& file) {
  Reader reader(root, 0);
  describe(reader, file);
  return reader.finish();
}

}  // namespace

bool Graph::sequential() const {
  return edges.empty() && entry.empty() &&
         std::ranges::none_of(nodes, [](const GraphNode& node) { return node.type() == RouterNode::kType; });
}

std::string_view GraphNode::type() const { return kTypes[action.index()]; }

Status WorkflowDefinition::error(Place place, std::string_view message) const {
  return invalid_argument(file, ":", place.line, ":", place.column, ": ", message);
}

Result<WorkflowDefinition> read_workflow(std::string_view text, std::string_view file) {
  TRY_ASSIGN(const YamlNode root, parse_yaml(text, file));
  WorkflowDefinition workflow;
  workflow.file = std::string(file);
  TRY_OK(read_file(root, workflow));
  return workflow;
}

Result<Preset> read_preset(std::string_view text, std::string_view file) {
  TRY_ASSIGN(const YamlNode root, parse_yaml(text, file));
  Preset preset;
  preset.name = std::string(name_of_file(file));
  TRY_OK(read_file(root, preset));
  return preset;
}

}  // namespace reliant::workflow
