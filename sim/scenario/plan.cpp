#include "scenario/plan.h"

#include <initializer_list>

namespace reliant::sim {
namespace {

json::string text_of(std::string_view text) { return json::string(text.data(), text.size()); }

class SectionPlan {
 public:
  void option(std::string_view key, Count& count, std::int64_t, std::int64_t, std::string_view) { add(key, count.value); }
  void option(std::string_view key, Span& span, std::string_view) { add(key, span.value.count()); }
  void option(std::string_view key, Chance& chance, std::string_view) { add(key, chance.value); }
  void option(std::string_view key, When& when, std::string_view) {
    add(key, json::array{when.low.count(), when.high.count()});
  }
  void word(std::string_view key, std::string& word, std::initializer_list<std::string_view>, std::string_view) {
    add(key, text_of(word));
  }
  void text(std::string_view key, std::string& text, std::string_view) { add(key, text_of(text)); }
  void trigger(std::string_view key, std::string& event, std::string_view) { add(key, text_of(event)); }
  void place(std::string_view key, std::string& place, Places, std::string_view) { add(key, text_of(place)); }
  void required_text(std::string_view key, std::string& value, std::string_view) { add(key, text_of(value)); }
  void block(std::string_view key, std::string& value, std::string_view) { add(key, text_of(value)); }
  void numbers(std::string_view key, std::map<std::string, std::int64_t>& numbers, std::string_view) {
    json::object each;
    for (const auto& [name, number] : numbers) each[name] = number;
    add(key, std::move(each));
  }
  template <class Section>
  void section(std::string_view key, Section& section, std::string_view) {
    SectionPlan inner;
    describe(inner, section);
    add(key, inner.take());
  }
  void list(std::string_view key, std::vector<Fault>& faults, std::string_view) {
    json::array each;
    for (Fault& fault : faults) {
      SectionPlan inner;
      std::visit(
          [&](auto& kind) {
            inner.add("fault", text_of(kind.kName));
            describe(inner, kind);
          },
          fault);
      each.push_back(inner.take());
    }
    add(key, std::move(each));
  }

  json::object take() { return std::move(out_); }

 private:
  void add(std::string_view key, json::value value) { out_[json::string_view(key.data(), key.size())] = std::move(value); }

  json::object out_;
};

}  // namespace

json::object plan_of(Scenario& scenario) {
  SectionPlan visitor;
  describe(visitor, scenario);
  json::object plan = visitor.take();
  for (const std::size_t off : scenario.faults_off) plan["faults"].as_array()[off].as_object()["off"] = true;
  return plan;
}

}  // namespace reliant::sim
