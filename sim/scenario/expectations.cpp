#include "scenario/expectations.h"

#include "base/text.h"

namespace reliant::sim {

Expectations::Expectations(const Numbers& at_least, const Numbers& at_most) {
  add(at_least, true);
  add(at_most, false);
}

void Expectations::add(const Numbers& numbers, bool least) {
  for (const auto& [text, bound] : numbers) {
    all_.push_back({.text = text, .records = RecordFilter::of(text), .bound = bound, .least = least});
  }
}

void Expectations::on_record(const TraceRecord& record) {
  for (Expected& expected : all_) {
    if (expected.records.fits(record)) ++expected.count;
  }
}

std::vector<std::string> Expectations::unreached() const {
  std::vector<std::string> events;
  for (const Expected& expected : all_)
    if (expected.least && expected.bound > 0 && expected.count == 0) events.push_back(expected.text);
  return events;
}

void Expectations::judge(Verdict& verdict) const {
  for (const Expected& expected : all_) {
    if (expected.least ? expected.count >= expected.bound : expected.count <= expected.bound) continue;
    verdict.broken("expectation",
                   concat("found ", expected.count, " of ", expected.text, ", expected at ",
                          expected.least ? "least " : "most ", expected.bound),
                   {{"event", expected.text}});
  }
}

}  // namespace reliant::sim
