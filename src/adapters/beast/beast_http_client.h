// BeastHttpClient: the Http client of production, HTTP/1.1 on Boost.Beast, with TLS for https:// (the system's certificate
// authorities, host names verified). One connection a request. Redirects are not followed; proxies are not used.
//
// Owner: the composition root. Executor: the logic thread (host names are resolved on a thread of Asio's).
#pragma once

#include <memory>
#include <string>

#include "adapters/asio/asio_executor.h"
#include "ports/http_client.h"

namespace reliant::adapters {

class BeastHttpClient final : public ports::HttpClient {
 public:
  // `ca_file`: certificates in PEM that are trusted besides the system's; "" = none.
  explicit BeastHttpClient(AsioExecutor& executor, std::string ca_file = "");
  ~BeastHttpClient() override;

  Task<Result<std::unique_ptr<ports::HttpResponse>>> send(ports::HttpRequest request, Instant deadline) override;

 private:
  struct Tls;

  AsioExecutor& executor_;
  std::shared_ptr<Tls> tls_;
};

}  // namespace reliant::adapters
