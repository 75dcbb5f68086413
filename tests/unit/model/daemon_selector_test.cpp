// R96 to R98, C22, C25: what each text and each map asks for, and which daemons match it.
#include "model/daemon_selector.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "model/daemon_kind.h"

namespace reliant::model {
namespace {

using Type = DaemonSelector::Type;

std::optional<DaemonSelector> read(std::string_view json) {
  const auto selector = daemon_selector_from(*parse_json(json));
  EXPECT_TRUE(selector.ok()) << json << ": " << selector.status();
  return selector.value_or(std::nullopt);
}

// R96, C25
TEST(DaemonSelector, AWordIsATypeAndAnyOtherTextAName) {
  const std::vector<std::pair<std::string, Type>> types = {{"local", Type::kLocal},
                                                           {"cloud", Type::kCloud},
                                                           {"any", Type::kAny},
                                                           {"self_hosted", Type::kLocal},
                                                           {"managed", Type::kCloud}};
  for (const auto& [word, type] : types) {
    EXPECT_EQ(daemon_selector_from_text(word), DaemonSelector{.type = type}) << word;
    EXPECT_EQ(read("{\"type\":\"" + word + "\"}"), DaemonSelector{.type = type}) << word;
    EXPECT_TRUE(is_daemon_kind(word));  // C21
  }
  for (const std::string name : {"gpu-box", "Local", "locals", "clouds", " any", "my laptop", "{{"})
    EXPECT_EQ(daemon_selector_from_text(name), DaemonSelector{.name = name}) << name;
}

// R97
TEST(DaemonSelector, AMapGivesItsFields) {
  const DaemonSelector all = {
      .id = DaemonId("d1"), .name = "box", .type = Type::kCloud, .labels = {{"gpu", "yes"}, {"os", "linux"}}};
  EXPECT_EQ(read(R"({"id":"d1","name":"box","type":"managed","labels":{"gpu":"yes","os":"linux"}})"), all);
  EXPECT_EQ(read(R"({"labels":{"gpu":true,"cores":8}})"), (DaemonSelector{.labels = {{"gpu", "true"}, {"cores", "8"}}}));
  EXPECT_EQ(read(R"("cloud")"), DaemonSelector{.type = Type::kCloud});
  EXPECT_EQ(*daemon_selector_from(json::value(to_json_object(all))), all);
  EXPECT_EQ(to_text(all), "id \"d1\", name \"box\", type cloud, label gpu \"yes\", label os \"linux\"");
  // C21: a daemon with such a name is reached by the structured selector.
  EXPECT_EQ(read(R"({"name":"local"})"), DaemonSelector{.name = "local"});
}

// C22
TEST(DaemonSelector, NullAndEmptyAreUnset) {
  for (const char* nothing : {"null", "\"\"", "{}", R"({"id":"","name":null,"type":"","labels":{}})", R"({"labels":null})",
                              R"({"labels":{"gpu":null}})"})
    EXPECT_EQ(read(nothing), std::nullopt) << nothing;
  EXPECT_EQ(daemon_selector_from_text(""), std::nullopt);
  EXPECT_EQ(read(R"({"id":"","name":"box"})"), DaemonSelector{.name = "box"});
}

TEST(DaemonSelector, AnErrorNamesTheFieldAndTheRemedy) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"7", "\"daemon\" is 7; give local, cloud, any, the name of a daemon, or a map of id, name, type and labels"},
      {R"({"typ":"local"})", "\"daemon.typ\" is no field of a daemon selector; give id, name, type or labels"},
      {R"({"typ":null})", "\"daemon.typ\" is no field of a daemon selector; give id, name, type or labels"},
      {R"({"type":"laptop"})", "\"daemon.type\" is \"laptop\"; give local (or self_hosted), cloud (or managed) or any"},
      {R"({"name":["a"]})", "\"daemon.name\" is [\"a\"]; give text"},
      {R"({"id":"a.b"})", "\"daemon.id\" is \"a.b\"; an id has letters, digits, - and _"},
      {R"({"labels":"gpu"})", "\"daemon.labels\" is \"gpu\"; give a map of names and values, such as {gpu: \"yes\"}"},
      {R"({"labels":{"gpu":[1]}})", "\"daemon.labels.gpu\" is [1]; the value of a label is text"},
  };
  for (const auto& [given, message] : cases) {
    const auto selector = daemon_selector_from(*parse_json(given));
    ASSERT_EQ(selector.status().code(), StatusCode::kInvalidArgument) << given;
    EXPECT_EQ(message_of(selector.status()), message);
    EXPECT_EQ(message.find("\"" + field_of(selector.status()) + "\""), 0u) << field_of(selector.status());
  }
  EXPECT_EQ(field_of(daemon_selector_from(*parse_json(R"({"id":1})"), "nodes.build.daemon").status()), "nodes.build.daemon.id");
}

// R90, R91
TEST(DaemonSelector, AChatsActiveDaemonIsAnIdOrAType) {
  EXPECT_EQ(daemon_selector_of_chat(DaemonId()), std::nullopt);
  EXPECT_EQ(daemon_selector_of_chat(DaemonId("d1")), DaemonSelector{.id = DaemonId("d1")});
  EXPECT_EQ(daemon_selector_of_chat(DaemonId("cloud")), DaemonSelector{.type = Type::kCloud});
}

// R97
TEST(DaemonSelector, AllGivenFieldsMustMatchAndLabelsAreASubset) {
  const DaemonTraits box = {DaemonId("d1"), "box", DaemonType::kLocal, {{"gpu", "yes"}, {"os", "linux"}}};
  const auto failed = [&](std::string_view json) {
    std::vector<std::string> terms;
    for (const FailedTerm& term : failed_terms(*read(json), box)) terms.push_back(term.term);
    return terms;
  };
  using Terms = std::vector<std::string>;
  EXPECT_EQ(failed("\"any\""), Terms{});
  EXPECT_EQ(failed("\"local\""), Terms{});
  EXPECT_EQ(failed("\"cloud\""), Terms{"type"});
  EXPECT_EQ(failed("\"box\""), Terms{});
  EXPECT_EQ(failed("\"d1\""), Terms{"name"});  // text is a name, not an id
  EXPECT_EQ(failed(R"({"id":"d1","name":"box","type":"local","labels":{"gpu":"yes"}})"), Terms{});
  EXPECT_EQ(failed(R"({"id":"d2","name":"bo","type":"cloud","labels":{"gpu":"no","ram":"1","os":"linux"}})"),
            (Terms{"id", "name", "type", "labels.gpu", "labels.ram"}));
  const auto terms = failed_terms(*read(R"({"labels":{"gpu":"no","ram":"1"}})"), box);
  EXPECT_EQ(terms, (std::vector<FailedTerm>{{"labels.gpu", "no", "yes"}, {"labels.ram", "1", std::nullopt}}));
}

}  // namespace
}  // namespace reliant::model
