#include "app/model_choice.h"

#include <fstream>
#include <iterator>

#include "base/text.h"
#include "llm/openai_provider.h"
#include "llm/scripted_provider.h"

namespace reliant::app {

Result<std::unique_ptr<llm::ModelProvider>> choose_model(const ModelOptions& options, ports::HttpClient& http) {
  if (options.script.empty()) {
    llm::OpenAiOptions server;
    server.base_url = options.base_url;
    server.api_key = options.api_key;
    server.model = options.model;
    return std::unique_ptr<llm::ModelProvider>(std::make_unique<llm::OpenAiProvider>(http, std::move(server)));
  }
  std::ifstream in(options.script, std::ios::binary);
  const std::string yaml((std::istreambuf_iterator<char>(in)), {});
  if (!in) {
    return invalid_field("--model-script", concat("cannot read the script ", options.script, "; name a file that is there"));
  }
  TRY_ASSIGN(auto scripted, llm::ScriptedProvider::parse(yaml, options.script));
  return std::unique_ptr<llm::ModelProvider>(std::move(scripted));
}

}  // namespace reliant::app
