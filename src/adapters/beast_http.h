// BeastHttp: the Http client of production, HTTP/1.1 on Boost.Beast, with TLS for https:// (the system's certificate
// authorities, host names verified). One connection a request. Redirects are not followed; proxies are not used.
//
// Owner: the composition root. Executor: the logic thread (host names are resolved on a thread of Asio's).
#pragma once

#include <memory>
#include <string>

#include "adapters/asio_executor.h"
#include "ports/http.h"

namespace reliant::adapters {

class BeastHttp final : public ports::Http {
 public:
  // `ca_file`: certificates in PEM that are trusted besides the system's; "" = none.
  explicit BeastHttp(AsioExecutor& executor, std::string ca_file = "");
  ~BeastHttp() override;

  Task<Result<std::unique_ptr<ports::HttpResponse>>> send(ports::HttpRequest request, Instant deadline) override;

 private:
  struct Tls;

  AsioExecutor& executor_;
  std::shared_ptr<Tls> tls_;
};

}  // namespace reliant::adapters
