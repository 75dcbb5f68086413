#include "ports/http_server.h"

#include "base/json.h"

namespace reliant::ports {

HttpServerResponse http_refusal(int status, std::string_view message) {
  StatusCode code = StatusCode::kInvalidArgument;
  if (status == 404) code = StatusCode::kNotFound;
  if (status >= 500) code = StatusCode::kInternal;
  if (status == 501) code = StatusCode::kUnimplemented;
  if (status == 413 || status == 431) code = StatusCode::kResourceExhausted;
  HttpServerResponse response;
  response.status = status;
  response.headers["content-type"] = "application/json";
  response.body = to_json(json::object{
      {"code", std::string(code_name(code))}, {"message", std::string(message)}, {"field", ""}, {"request_id", ""}});
  return response;
}

}  // namespace reliant::ports
