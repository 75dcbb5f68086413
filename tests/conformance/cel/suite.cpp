#include "suite.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/timestamp.pb.h>

#include "base/assert.h"

namespace reliant::cel {
namespace {

namespace pb = google::protobuf;
using expr::Type;
using expr::TypeKind;
using expr::Value;

// A message whose class is known at run time only. Fields are named as in the protobuf file.
class Record {
 public:
  explicit Record(const pb::Message& message) : message_(message), reflection_(*message.GetReflection()) {}

  bool has(const char* name) const { return reflection_.HasField(message_, field(name)); }
  std::string text(const char* name) const { return reflection_.GetString(message_, field(name)); }
  bool flag(const char* name) const { return reflection_.GetBool(message_, field(name)); }
  Record record(const char* name) const { return Record(reflection_.GetMessage(message_, field(name))); }
  std::string word(const char* name) const { return reflection_.GetEnum(message_, field(name))->name(); }
  std::int64_t int64(const char* name) const { return reflection_.GetInt64(message_, field(name)); }
  std::uint64_t uint64(const char* name) const { return reflection_.GetUInt64(message_, field(name)); }
  double real(const char* name) const { return reflection_.GetDouble(message_, field(name)); }

  std::vector<Record> records(const char* name) const {
    std::vector<Record> out;
    out.reserve(static_cast<std::size_t>(reflection_.FieldSize(message_, field(name))));
    for (int i = 0; i < reflection_.FieldSize(message_, field(name)); ++i)
      out.emplace_back(reflection_.GetRepeatedMessage(message_, field(name), i));
    return out;
  }
  // The name of the field of `oneof` that is set; "": none.
  std::string which(const char* oneof) const {
    const pb::OneofDescriptor* descriptor = message_.GetDescriptor()->FindOneofByName(oneof);
    RELIANT_ASSERT(descriptor != nullptr, "the message has this oneof");
    const pb::FieldDescriptor* set = reflection_.GetOneofFieldDescriptor(message_, descriptor);
    return set == nullptr ? "" : set->name();
  }

 private:
  const pb::FieldDescriptor* field(const char* name) const {
    const pb::FieldDescriptor* found = message_.GetDescriptor()->FindFieldByName(name);
    RELIANT_ASSERT(found != nullptr, "the message has this field");
    return found;
  }

  const pb::Message& message_;
  const pb::Reflection& reflection_;
};

// --- values and types -----------------------------------------------------------------------------------------------------------

// `foreign` is set when there is something that our values cannot hold.
Value read_any(const Record& any, std::string& foreign) {
  const std::string url = any.text("type_url");
  if (url.ends_with("/google.protobuf.Timestamp")) {
    pb::Timestamp timestamp;
    RELIANT_ASSERT(timestamp.ParseFromString(any.text("value")), "the suite's timestamp can be read");
    return Value::timestamp({timestamp.seconds(), timestamp.nanos()});
  }
  if (url.ends_with("/google.protobuf.Duration")) {
    pb::Duration duration;
    RELIANT_ASSERT(duration.ParseFromString(any.text("value")), "the suite's duration can be read");
    return Value::duration({duration.seconds() * 1'000'000'000 + duration.nanos()});
  }
  foreign = "a message " + url.substr(url.rfind('/') + 1);
  return Value();
}

Value read_value(const Record& value, std::string& foreign) {
  const std::string kind = value.which("kind");
  if (kind == "bool_value") return Value::boolean(value.flag("bool_value"));
  if (kind == "int64_value") return Value::integer(value.int64("int64_value"));
  if (kind == "uint64_value") return Value::unsigned_integer(value.uint64("uint64_value"));
  if (kind == "double_value") return Value::floating(value.real("double_value"));
  if (kind == "string_value") return Value::string(value.text("string_value"));
  if (kind == "bytes_value") return Value::bytes(value.text("bytes_value"));
  if (kind == "type_value") return Value::type(value.text("type_value"));
  if (kind == "object_value") return read_any(value.record("object_value"), foreign);
  if (kind == "enum_value") foreign = "an enum";
  if (kind == "list_value") {
    const std::vector<Record> elements = value.record("list_value").records("values");
    expr::List out;
    out.reserve(elements.size());
    for (const Record& element : elements) out.push_back(read_value(element, foreign));
    return Value::list(std::move(out));
  }
  if (kind == "map_value") {
    expr::Map out;
    for (const Record& entry : value.record("map_value").records("entries"))
      out.insert(read_value(entry.record("key"), foreign), read_value(entry.record("value"), foreign));
    return Value::map(std::move(out));
  }
  return Value();
}

Type read_type(const Record& type, std::string& foreign) {
  const std::string kind = type.which("type_kind");
  if (kind == "primitive") {
    const std::map<std::string, TypeKind> kinds{{"BOOL", TypeKind::kBool},     {"INT64", TypeKind::kInt},
                                                {"UINT64", TypeKind::kUint},   {"DOUBLE", TypeKind::kDouble},
                                                {"STRING", TypeKind::kString}, {"BYTES", TypeKind::kBytes}};
    return {kinds.at(type.word("primitive")), {}, {}};
  }
  if (kind == "null") return {TypeKind::kNull, {}, {}};
  if (kind == "list_type") return expr::list_of(read_type(type.record("list_type").record("elem_type"), foreign));
  if (kind == "map_type") {
    const Record map = type.record("map_type");
    return expr::map_of(read_type(map.record("key_type"), foreign), read_type(map.record("value_type"), foreign));
  }
  if (kind == "well_known" && type.word("well_known") == "TIMESTAMP") return {TypeKind::kTimestamp, {}, {}};
  if (kind == "well_known" && type.word("well_known") == "DURATION") return {TypeKind::kDuration, {}, {}};
  if (kind == "message_type" && type.text("message_type") == "google.protobuf.Timestamp") return {TypeKind::kTimestamp, {}, {}};
  if (kind == "message_type" && type.text("message_type") == "google.protobuf.Duration") return {TypeKind::kDuration, {}, {}};
  if (kind == "type_param") return {TypeKind::kParameter, type.text("type_param"), {}};
  if (kind == "type") {
    Type out{TypeKind::kType, {}, {}};
    if (!type.record("type").which("type_kind").empty()) out.parameters.push_back(read_type(type.record("type"), foreign));
    return out;
  }
  if (kind == "abstract_type") {
    Type out{TypeKind::kAbstract, type.record("abstract_type").text("name"), {}};
    for (const Record& parameter : type.record("abstract_type").records("parameter_types"))
      out.parameters.push_back(read_type(parameter, foreign));
    return out;
  }
  if (kind == "message_type") foreign = "the message type " + type.text("message_type");
  if (kind == "wrapper") foreign = "a wrapper type";
  if (kind == "well_known") foreign = "google.protobuf.Any";
  return {};
}

// --- tests ----------------------------------------------------------------------------------------------------------------------

void read_declaration(const Record& declaration, Test& out) {
  const std::string name = declaration.text("name");
  if (declaration.has("ident")) {
    out.variable_types.emplace_back(name, read_type(declaration.record("ident").record("type"), out.foreign));
    return;
  }
  for (const Record& overload : declaration.record("function").records("overloads")) {
    expr::Overload read;
    read.member = overload.flag("is_instance_function");
    for (const Record& parameter : overload.records("params")) read.parameters.push_back(read_type(parameter, out.foreign));
    read.result = read_type(overload.record("result_type"), out.foreign);
    out.functions.emplace_back(name, std::move(read));
  }
}

Test read_test(const std::string& section, const Record& test) {
  Test out;
  out.name = section + "/" + test.text("name");
  out.expression = test.text("expr");
  out.container = test.text("container");
  out.disable_macros = test.flag("disable_macros");
  out.disable_check = test.flag("disable_check");
  out.check_only = test.flag("check_only");
  for (const Record& declaration : test.records("type_env")) read_declaration(declaration, out);
  for (const Record& binding : test.records("bindings")) {
    const Record value = binding.record("value");
    if (value.which("kind") == "value")
      out.variables.emplace_back(binding.text("key"), read_value(value.record("value"), out.foreign));
    else
      out.foreign = "a variable whose value is an error or unknown";
  }
  const std::string matcher = test.which("result_matcher");
  if (matcher == "value") {
    out.value = read_value(test.record("value"), out.foreign);
  } else if (matcher == "typed_result") {
    const Record typed = test.record("typed_result");
    if (typed.has("result")) out.value = read_value(typed.record("result"), out.foreign);
    if (typed.has("deduced_type")) out.type = read_type(typed.record("deduced_type"), out.foreign);
  } else if (matcher == "eval_error" || matcher == "any_eval_errors") {
    out.error = true;
  } else if (matcher.empty()) {
    out.value = Value::boolean(true);
  } else {
    out.foreign = "unknown values";
  }
  return out;
}

}  // namespace

Result<std::vector<TestFile>> load_suite(const std::filesystem::path& folder) {
  std::ifstream descriptors(folder / "descriptors.pb", std::ios::binary);
  pb::FileDescriptorSet files;
  if (!files.ParseFromIstream(&descriptors)) return invalid_argument((folder / "descriptors.pb").string(), " cannot be read");
  pb::DescriptorPool pool;
  for (const pb::FileDescriptorProto& file : files.file())
    if (pool.BuildFile(file) == nullptr) return invalid_argument(file.name(), " of descriptors.pb is no file of descriptors");
  const pb::Descriptor* descriptor = pool.FindMessageTypeByName("cel.expr.conformance.test.SimpleTestFile");
  if (descriptor == nullptr) return invalid_argument("descriptors.pb has no SimpleTestFile");
  pb::DynamicMessageFactory factory;
  const pb::Message* prototype = factory.GetPrototype(descriptor);
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "testdata"))
    if (entry.path().extension() == ".textproto") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());

  std::vector<TestFile> out;
  for (const std::filesystem::path& path : paths) {
    std::ifstream stream(path);
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    const std::unique_ptr<pb::Message> message(prototype->New());
    if (!pb::TextFormat::ParseFromString(text, message.get())) return invalid_argument(path.string(), " cannot be read");
    TestFile& read = out.emplace_back(TestFile{path.stem().string(), {}});
    for (const Record& section : Record(*message).records("section"))
      for (const Record& test : section.records("test")) read.tests.push_back(read_test(section.text("name"), test));
  }
  return out;
}

}  // namespace reliant::cel
