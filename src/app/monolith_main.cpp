#include "app/mains.h"

#include <memory>
#include <string>
#include <utility>

#include "adapters/beast/beast_http_client.h"
#include "app/data_directory.h"
#include "app/model_choice.h"
#include "app/monolith.h"
#include "app/options.h"
#include "app/report.h"
#include "app/server_certificate.h"
#include "app/server_process.h"
#include "base/text.h"

namespace reliant::app {
namespace {

std::string greeting(const Monolith& monolith, const DataDirectory& directory) {
  std::string out;
  if (monolith.user().created)
    out = concat("made the local user and its token, which is in ", directory.file("token"), " (keep it to yourself)\n");
  const std::string& tls = monolith.tls_address();
  append(out, concat("reliant is ready on http://", monolith.address(), tls.empty() ? "" : " and https://", tls, ", data in ",
                     directory.path(), "\n"));
  append(out, concat("go on with: reliant chat send \"…\" --watch --data-dir ", directory.path(), "   (Ctrl-C stops)"));
  return out;
}

Task<Status> live(ServerProcess& process, Monolith& monolith, const DataDirectory& directory) {
  CO_TRY_OK(co_await monolith.start());
  const Instant deadline = co_await process.until_asked_to_stop(greeting(monolith, directory));
  co_await monolith.stop(deadline);
  co_return ok_status();
}

}  // namespace

int monolith_main(const Command&, const Arguments& arguments, const Environment& environment) {
  auto options = monolith_options(arguments, environment);
  if (!options.ok()) {
    const int code = report(options.status());
    return options.status().code() == StatusCode::kInvalidArgument ? kUsage : code;
  }
  auto directory = DataDirectory::open(options->data_dir);
  if (!directory.ok()) return report(directory.status());
  if (options->log.file.empty()) options->log.file = directory->file("reliant.log");
  const auto process = ServerProcess::open({.role = "monolith", .data_dir = "", .log = options->log, .grace = options->grace});
  if (!process.ok()) return report(process.status());
  adapters::BeastHttpClient http((*process)->executor());
  const auto model = choose_model(options->model, http);
  if (!model.ok()) return report(model.status());
  auto databases = Databases::open(*directory);
  if (!databases.ok()) return report(databases.status());
  std::optional<adapters::TlsCredentials> tls;
  if (!options->tls_listen_address.empty()) {
    auto certificate = prepare_server_certificate(*directory, (*process)->clock().wall_now());
    if (!certificate.ok()) return report(certificate.status());
    if (!certificate->replaced.empty()) say(certificate->replaced);
    tls = std::move(certificate->credentials);
  }
  Monolith monolith(
      {(*process)->executor(), (*process)->clock(), (*process)->log(), *databases, *directory, http, **model, std::move(tls)},
      *std::move(options), environment);
  return (*process)->run(live(**process, monolith, *directory));
}

}  // namespace reliant::app
