// Reading a scenario: the visitor that takes each described field out of a YAML map.
#include <algorithm>
#include <initializer_list>
#include <optional>
#include <set>

#include "base/yaml.h"
#include "scenario/references.h"
#include "scenario/scenario.h"

namespace reliant::sim {
namespace {

// The message of an error that begins with "file:line: " already, or of one that does not.
Status at(const YamlNode& node, std::string_view key, const Status& status) {
  return node.error(concat("\"", key, "\": ", message_of(status)));
}

// Writes a tree as YAML again, with each key at its old position: for another reader whose errors name positions.
class Block {
 public:
  static std::string of(const YamlNode& node) {
    Block block;
    block.write(node);
    return std::move(block.text_);
  }

 private:
  // Flow style needs no indentation; line breaks before a token are allowed anywhere.
  void go_to(int line, int column) {
    for (; line_ < line; ++line_) text_ += '\n';
    const auto written = static_cast<int>(text_.size() - (text_.rfind('\n') + 1));  // npos + 1 is 0
    if (written < column - 1) {
      text_.append(static_cast<std::size_t>(column - 1 - written), ' ');
    } else if (!text_.ends_with('{') && !text_.ends_with('[')) {
      text_ += ' ';
    }
  }
  void write(const YamlNode& node) {
    const bool begins_another = node.kind == YamlNode::Kind::kList || node.kind == YamlNode::Kind::kMap;
    go_to(node.line, begins_another ? node.column - 1 : node.column);  // in block style that begins with its first key
    switch (node.kind) {
      case YamlNode::Kind::kNull:
        text_ += "~";
        return;
      case YamlNode::Kind::kScalar:
        return write_scalar(node);
      case YamlNode::Kind::kList:
        return write_all(node.items, '[', ']');
      case YamlNode::Kind::kMap:
        return write_all(node.fields, '{', '}');
    }
  }
  void write_all(const std::vector<YamlNode>& nodes, char open, char close) {
    text_ += open;
    for (const YamlNode& node : nodes) {
      if (open == '{') {
        go_to(node.line, node.column);
        write_text(node.key);
        text_ += ':';
      }
      write(node);
      text_ += ',';
    }
    text_ += close;
  }
  void write_scalar(const YamlNode& node) {
    const bool typed = node.as_int().ok() || node.as_double().ok() || node.as_bool().ok();  // which quotes would make text
    if (typed) {
      text_ += node.scalar;
    } else if (node.quoted) {
      write_quoted(node.scalar);
    } else {
      write_text(node.scalar);
    }
  }
  // Quotes around text that has no type say nothing, and move what is behind it.
  void write_text(const std::string& text) {
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const bool word = text.find_first_not_of(concat(kLetters, "0123456789_-./ ")) == std::string::npos;
    const bool null = text == "null" || text == "Null" || text == "NULL";
    const bool plain = word && !text.empty() && kLetters.find(text.front()) != std::string_view::npos && text.back() != ' ';
    if (!plain || null) return write_quoted(text);
    text_ += text;
  }
  void write_quoted(std::string_view scalar) {
    text_ += '"';
    for (const char c : scalar) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        text_ += '\\';
        text_ += c;
      } else if (byte < ' ' || byte == 0x7F) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        append(text_, concat("\\x", kDigits[byte / 16], kDigits[byte % 16]));
      } else {
        text_ += c;
      }
    }
    text_ += '"';
  }

  std::string text_;
  int line_ = 1;
};

// A node or role that a fault names. It is checked when the topology is known, which may stand below the faults.
struct PlaceInFile {
  const YamlNode* where = nullptr;
  std::string key;
  std::string place;
  Places places = Places::kOne;
};

class SectionReader {
 public:
  SectionReader(const YamlNode& node, std::vector<PlaceInFile>& places) : node_(node), places_(places), reader_(node) {}

  void option(std::string_view key, Count& count, std::int64_t low, std::int64_t high, std::string_view) {
    const YamlNode* node = read(key, count);
    if (node != nullptr && (count.low < low || count.high > high)) {
      reader_.fail(node->error(concat("\"", key, "\" must be from ", low, " to ", high)));
    }
  }
  template <class Option>
  void option(std::string_view key, Option& option, std::string_view) {
    read(key, option);
  }
  void word(std::string_view key, std::string& word, std::initializer_list<std::string_view> words, std::string_view) {
    word = reader_.optional_string(key, word);
    if (std::ranges::find(words, word) != words.end()) return;
    std::vector<std::string> known;
    for (const std::string_view one : words) known.emplace_back(one);
    reader_.fail(node_.find(key)->error(concat("\"", key, "\" must be one of ", join(known, ", "))));
  }
  void text(std::string_view key, std::string& text, std::string_view) { text = reader_.optional_string(key, text); }
  void trigger(std::string_view key, std::string& event, std::string_view) {
    event = reader_.optional_string(key, event);
    if (event.empty()) return;
    if (const std::string wrong = complaint_about_event(event); !wrong.empty())
      reader_.fail(node_.find(key)->error(concat("\"", key, "\": ", wrong)));
  }
  void place(std::string_view key, std::string& place, Places places, std::string_view) {
    place = reader_.optional_string(key, place);
    const YamlNode* node = node_.find(key);
    if (place == "there" && node_.find("when") == nullptr) {
      reader_.fail((node != nullptr ? node : &node_)
                       ->error(concat("\"", key, "\": the place \"there\" needs \"when\", the event that it comes from")));
    }
    places_.push_back({node != nullptr ? node : &node_, std::string(key), place, places});
  }
  void required_text(std::string_view key, std::string& text, std::string_view) {
    text = reader_.required_string(key);
    const YamlNode* node = node_.find(key);
    if (node != nullptr && text.empty()) reader_.fail(node->error(concat("\"", key, "\" must not be empty")));
  }
  void block(std::string_view key, std::string& text, std::string_view) {
    const YamlNode* node = reader_.optional_node(key);
    if (node == nullptr) return;
    if (node->kind != YamlNode::Kind::kMap) {
      reader_.fail(node->error(concat("\"", key, "\" must be a map")));
    } else {
      text = Block::of(*node);
    }
  }
  template <class Section>
  void section(std::string_view key, Section& section, std::string_view) {
    if (const YamlNode* node = reader_.optional_node(key)) read_section(*node, section);
  }
  void numbers(std::string_view key, std::map<std::string, std::int64_t>& numbers, std::string_view) {
    const YamlNode* node = reader_.optional_node(key);
    if (node == nullptr) return;
    if (node->kind != YamlNode::Kind::kMap) {
      return reader_.fail(node->error(concat("\"", key, "\" must be a map of names and numbers")));
    }
    for (const YamlNode& field : node->fields) {
      const auto number = field.as_int();
      if (!number.ok() || *number < 0) {
        return reader_.fail(field.error(concat("\"", field.key, "\" must be a number, 0 or more")));
      }
      if (const std::string wrong = complaint_about_event(field.key); !wrong.empty()) {
        return reader_.fail(field.error(concat("\"", key, "\": ", wrong)));
      }
      numbers[field.key] = *number;
    }
  }
  void list(std::string_view key, std::vector<Fault>& faults, std::string_view) {
    const YamlNode* node = reader_.optional_node(key);
    if (node == nullptr) return;
    if (node->kind != YamlNode::Kind::kList) {
      return reader_.fail(node->error(concat("\"", key, "\" must be a list: \"- crash: {node: gateway}\"")));
    }
    for (const YamlNode& item : node->items) {
      if (auto fault = read_fault(item)) faults.push_back(*std::move(fault));
    }
  }

  Status finish() { return reader_.finish(); }

 private:
  template <class Option>
  const YamlNode* read(std::string_view key, Option& option) {
    const YamlNode* node = reader_.optional_node(key);
    if (node == nullptr) return nullptr;
    if (node->kind != YamlNode::Kind::kScalar) {
      reader_.fail(node->error(concat("\"", key, "\" must be one value or one range")));
      return nullptr;
    }
    if (const Status status = read_option(node->scalar, option); !status.ok()) {
      reader_.fail(at(*node, key, status));
      return nullptr;
    }
    return node;
  }
  template <class Section>
  void read_section(const YamlNode& node, Section& section) {
    SectionReader reader(node, places_);
    describe(reader, section);
    reader_.fail(reader.finish());
  }
  std::optional<Fault> read_fault(const YamlNode& item) {
    if (item.kind != YamlNode::Kind::kMap || item.fields.size() != 1) {
      reader_.fail(item.error("a fault is a map with one key, its kind: \"crash: {node: gateway}\""));
      return std::nullopt;
    }
    const YamlNode& body = item.fields.front();
    std::optional<Fault> fault;
    std::vector<std::string> known;
    try_kinds<0>(body, fault, known);
    if (!fault) reader_.fail(body.error(concat("\"", body.key, "\" is not a fault; known are ", join(known, ", "))));
    return fault;
  }
  template <std::size_t I>
  void try_kinds(const YamlNode& body, std::optional<Fault>& fault, std::vector<std::string>& known) {
    if constexpr (I < std::variant_size_v<Fault>) {
      using Kind = std::variant_alternative_t<I, Fault>;
      known.emplace_back(Kind::kName);
      if (body.key != Kind::kName) return try_kinds<I + 1>(body, fault, known);
      Kind kind;
      if (body.kind != YamlNode::Kind::kNull) read_section(body, kind);
      fault = std::move(kind);
    }
  }

  const YamlNode& node_;
  std::vector<PlaceInFile>& places_;
  YamlReader reader_;
};

}  // namespace

Result<Scenario> read_scenario(std::string_view text, std::string_view file) {
  TRY_ASSIGN(const YamlNode root, parse_yaml(text, file));
  Scenario scenario;
  scenario.file = std::string(file);
  std::vector<PlaceInFile> places;
  SectionReader reader(root, places);
  describe(reader, scenario);
  TRY_OK(reader.finish());
  for (const PlaceInFile& named : places) {
    const std::string wrong = complaint_about_place(named.place, named.places, scenario.topology);
    if (!wrong.empty()) return named.where->error(concat("\"", named.key, "\": ", wrong));
  }
  return scenario;
}

}  // namespace reliant::sim
