#include "kernel/trace_schema.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace reliant::sim {
namespace {

TraceRecord crash() {
  TraceRecord record;
  record.name = "fault.crash";
  record.level = Level::kInfo;
  record.fields = {{"target", "gateway-1"}, {"other", ""}, {"lasts_us", std::int64_t{5}}};
  return record;
}

TEST(TraceSchema, MatchingRecordPasses) { EXPECT_EQ(mismatch(crash()), ""); }

TEST(TraceSchema, ReportsAnUnknownName) {
  TraceRecord record = crash();
  record.name = "fault.flood";
  EXPECT_NE(mismatch(record).find("is not described"), std::string::npos);
}

TEST(TraceSchema, ReportsAWrongLevel) {
  TraceRecord record = crash();
  record.level = Level::kError;
  EXPECT_NE(mismatch(record).find("level"), std::string::npos);
}

TEST(TraceSchema, ReportsMissingExtraAndMistypedFields) {
  TraceRecord record = crash();
  record.fields.pop_back();
  EXPECT_NE(mismatch(record).find("lacks the field \"lasts_us\""), std::string::npos);
  record = crash();
  record.fields.push_back({"more", "x"});
  EXPECT_NE(mismatch(record).find("\"more\""), std::string::npos);
  record = crash();
  record.fields[2].value = std::string("5");
  EXPECT_NE(mismatch(record).find("is not a number"), std::string::npos);
}

TEST(TraceSchema, AnOptionalFieldMayBeMissing) {
  TraceRecord record;
  record.name = "client.request.refused";
  record.level = Level::kError;
  record.fields = {{"what", "project"}, {"error", "no"}};
  EXPECT_EQ(mismatch(record), "");
}

// They would be twice in the line of a file.
TEST(TraceSchema, FieldNamesDoNotRepeatTheCommonFields) {
  for (const RecordSchema& record : record_schemas()) {
    for (const char* taken : {"step ", "time_ns ", "node ", "level ", "name "}) {
      const std::string fields = concat(", ", record.fields);
      EXPECT_EQ(fields.find(concat(", ", taken)), std::string::npos) << record.name << ": " << taken;
    }
  }
}

TEST(TraceSchema, EveryRecordHasADescription) {
  for (const RecordSchema& record : record_schemas()) {
    EXPECT_FALSE(record.about.empty()) << record.name;
    EXPECT_EQ(find_record_schema(record.name), &record);
  }
}

}  // namespace
}  // namespace reliant::sim
