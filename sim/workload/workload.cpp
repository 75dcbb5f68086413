#include "workload/workload.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "runtime/scope.h"
#include "runtime/this_context.h"

namespace reliant::sim {

Workload::Workload(Simulation& simulation, SimWeb& web, WorkloadPlan plan, std::vector<WorkloadUser> users,
                   std::vector<std::string> api_addresses)
    : simulation_(simulation), web_(web), plan_(std::move(plan)), api_addresses_(std::move(api_addresses)) {
  for (WorkloadUser& user : users) {
    Node& node = simulation_.add_node(concat("client-", clients_.size() + 1));
    clients_.push_back(Client{&node, std::move(user), {}});
  }
  Random random = simulation_.random("workload");
  for (std::int64_t number = 0; number < plan_.chats.value; ++number) {
    Client& client = clients_[static_cast<std::size_t>(number) % clients_.size()];
    ChatOrder order;
    order.user = client.user.id;
    order.chat = concat("chat-", number + 1, "-", client.user.id);
    const bool by_default = random.chance(static_cast<std::uint64_t>(plan_.default_daemon.value), kMillion);
    if (const auto& daemons = client.user.daemons; !daemons.empty() && !by_default) {
      order.daemon = daemons[random.below(daemons.size())];
    }
    order.begins = Instant(random.duration(Duration::zero(), plan_.spread.value));
    client.chats.push_back(std::move(order));
    progress_.emplace_back();
  }
}

void Workload::start() {
  for (Client& client : clients_) {
    for (ChatOrder& order : client.chats) {
      order.begins = after(simulation_.now(), order.begins.time_since_epoch());
    }
    client.node->start([this, &client](Node& node) { return run_client(node, client); });
  }
}

Task<Result<std::string>> Workload::create_project(RestClient& client, const WorkloadUser& user) {
  const json::object body = {{"name", concat("project of ", user.id)}, {"path", user.project_path}};
  CO_TRY_ASSIGN(const json::value answer, co_await client.call("POST", "/projects", to_json(body)));
  JsonReader reader(answer);
  co_return reader.required_string("id");
}

Task<void> Workload::run_client(Node& node, const Client& client) {
  SimHttpClient http(web_, node);
  const ApiAccess access{api_addresses_, client.user.token};
  RestClient rest(http, node, "project", access);
  const auto project = co_await create_project(rest, client.user);
  if (!project.ok()) {
    node.log().error("client.request.refused", {{"what", "project"}, {"error", message_of(project.status())}});
    co_return;
  }
  node.log().info("client.project.created", {{"user", client.user.id}, {"project", *project}});
  TaskScope chats(co_await ThisContext{});
  for (ChatOrder order : client.chats) {
    order.project = *project;
    chats.spawn(run_chat(node, http, access, std::move(order), plan_, progress_[next_progress_++]));
  }
  co_await chats.join();
}

bool Workload::done() const { return unfinished() == 0; }

std::size_t Workload::unfinished() const {
  return static_cast<std::size_t>(std::ranges::count_if(progress_, [](const ChatProgress& p) { return !p.done; }));
}

std::vector<std::pair<std::uint32_t, std::string>> Workload::nodes() const {
  std::vector<std::pair<std::uint32_t, std::string>> nodes;
  for (const Client& client : clients_) nodes.emplace_back(client.node->id(), client.user.id);
  return nodes;
}

void Workload::stop() {
  for (Client& client : clients_) client.node->crash();
}

}  // namespace reliant::sim
