#include "adapters/nats/nats_bus_options.h"

#include <algorithm>

#include "base/split.h"

namespace reliant::adapters {

namespace {

constexpr std::string_view kPlainScheme = "nats://";
constexpr std::string_view kTlsScheme = "tls://";

}  // namespace

Result<std::vector<std::string>> parse_nats_urls(std::string_view urls) {
  std::vector<std::string> out;
  for (const std::string_view url : split_at_commas(urls)) {
    std::string_view host = url;
    for (const std::string_view scheme : {kPlainScheme, kTlsScheme})
      if (host.starts_with(scheme)) host.remove_prefix(scheme.size());
    if (const std::size_t at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
    const bool other_scheme = host.find("://") != std::string_view::npos || host.find('/') != std::string_view::npos;
    if (host.empty() || other_scheme || host.find_first_of(" \t\r\n") != std::string_view::npos)
      return invalid_argument("`", host, "` is not the address of a NATS server: it should look like nats://host:4222");
    out.emplace_back(url);
  }
  if (out.empty()) return invalid_argument("the address of the NATS server is missing: it looks like nats://host:4222");
  return out;
}

bool wants_tls(const NatsOptions& options, const std::vector<std::string>& urls) {
  return !options.ca_file.empty() || !options.certificate_file.empty() ||
         std::ranges::any_of(urls, [](std::string_view url) { return url.starts_with(kTlsScheme); });
}

}  // namespace reliant::adapters
