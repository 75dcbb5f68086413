#include "cluster/bytes.h"

#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include "base/text.h"
#include "llm/openai_provider.h"
#include "reliant/tools/v1/daemon.pb.h"

namespace reliant::sim {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

// HTML that the reader cuts within a character, Latin-1, and compressed bytes.
std::string page(Random& random) {
  switch (random.below(3)) {
    case 0: {
      std::string page = random.chance(1, 2) ? "x" : "";
      for (int i = 0; i < 150; ++i) page += "\xC3\xA9";
      return page;
    }
    case 1:
      return "Zugriff verweigert f\xFCr Ger\xE4t";
    default: {
      std::string page("\x1f\x8b\x08\x00\x00\x00", 6);
      for (int i = 0; i < 100; ++i) page += static_cast<char>(random.below(256));
      return page;
    }
  }
}

// One answer for every call.
class OneAnswer final : public ports::HttpClient {
 public:
  OneAnswer(int status, std::string body) : status_(status), body_(std::move(body)) {}

  Task<Result<std::unique_ptr<ports::HttpResponse>>> send(ports::HttpRequest, Instant) override {
    co_return std::make_unique<Response>(status_, body_);
  }

 private:
  class Response final : public ports::HttpResponse {
   public:
    Response(int status, std::string body) : status_(status), body_(std::move(body)) {}
    int status() const override { return status_; }
    const ports::HttpHeaders& headers() const override { return headers_; }
    Task<Result<std::optional<std::string>>> read(Instant) override { co_return std::exchange(body_, std::nullopt); }

   private:
    int status_;
    std::optional<std::string> body_;
    ports::HttpHeaders headers_;
  };

  int status_;
  std::string body_;
};

class ByteLink final : public ports::Link {
 public:
  ByteLink(std::unique_ptr<ports::Link> inner, const ByteLinks& links) : inner_(std::move(inner)), links_(links) {}

  Task<Status> send(std::string message, Instant deadline) override {
    return inner_->send(links_.sent(std::move(message)), deadline);
  }
  Task<Result<std::optional<std::string>>> receive(Instant deadline) override { return inner_->receive(deadline); }
  Status half_close() override { return inner_->half_close(); }
  void cancel() override { inner_->cancel(); }
  std::size_t max_message() const override { return inner_->max_message(); }

 private:
  std::unique_ptr<ports::Link> inner_;
  const ByteLinks& links_;
};

}  // namespace

Task<Result<llm::ModelAnswer>> ByteProvider::complete(llm::ModelRequest request, llm::TextSink& sink, Instant deadline) {
  constexpr std::array<int, 6> kStatuses = {400, 401, 403, 500, 502, 503};
  const bool faulty = random_.below(kMillion) < faults_.provider;
  if (!faulty) co_return co_await inner_->complete(std::move(request), sink, deadline);
  const int status = kStatuses[random_.below(kStatuses.size())];
  OneAnswer http(status, page(random_));
  log_.info("provider.error_page", {{"chat", request.conversation}, {"status", status}});
  llm::OpenAiProvider provider(http, {.base_url = "http://provider", .model = "scripted"});
  co_return co_await provider.complete(std::move(request), sink, deadline);
}

Result<std::unique_ptr<ports::LinkListener>> ByteLinks::listen(std::string address) {
  return inner_.listen(std::move(address));
}

Task<Result<std::unique_ptr<ports::Link>>> ByteLinks::connect(ports::LinkTarget target, Instant deadline) {
  CO_TRY_ASSIGN(auto link, co_await inner_.connect(std::move(target), deadline));
  co_return std::make_unique<ByteLink>(std::move(link), *this);
}

std::string ByteLinks::sent(std::string frame) const {
  if (faults_.daemon == 0) return frame;
  tools::v1::DaemonFrame parsed;
  if (!parsed.ParseFromString(frame) || !parsed.has_tool_finished()) return frame;
  tools::v1::ToolFinished& finished = *parsed.mutable_tool_finished();
  Random random = streams_.stream(concat("bytes/", finished.request_id()));
  if (random.below(kMillion) >= faults_.daemon) return frame;
  log_.info("daemon.result.bytes", {{"request_id", finished.request_id()}});
  finished.mutable_content()->insert(0, std::string("\xFF\xFE\x00 bin", 7));
  return parsed.SerializeAsString();
}

}  // namespace reliant::sim
