#include "app/lazy_daemon_starter.h"

#include <utility>

#include "base/cause.h"

namespace reliant::app {

void LazyDaemonStarter::start() {
  if (!std::exchange(started_, true)) scope_.spawn(serve());
}

Task<void> LazyDaemonStarter::serve() {
  const Status ended = co_await daemon_.run();
  if (!ended.ok()) log_.error("daemon.ended", {{"error", described(ended)}});
}

Task<void> LazyDaemonStarter::stop(Instant deadline) {
  if (!std::exchange(started_, true)) co_return;
  co_await daemon_.stop(deadline);
  co_await scope_.join();
}

}  // namespace reliant::app
