// Which model answers: a script, or a server that speaks OpenAI's interface.
#pragma once

#include <memory>

#include "app/options.h"
#include "base/status.h"
#include "llm/model_provider.h"
#include "ports/http_client.h"

namespace reliant::app {

// INVALID_ARGUMENT: the script cannot be read, or is wrong ("file:line: …"). `http` outlives the model.
Result<std::unique_ptr<llm::ModelProvider>> choose_model(const ModelOptions& options, ports::HttpClient& http);

}  // namespace reliant::app
