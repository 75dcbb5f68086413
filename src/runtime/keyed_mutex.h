// KeyedMutex<Key>: a lock for each key, held by one coroutine at a time, in the order in which they came. A key that is
// neither held nor waited for takes no memory.
//
// A waiter that is destroyed leaves the queue. Belongs to one executor's thread; it must outlive its locks and their waiters.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <utility>

#include "runtime/semaphore.h"
#include "runtime/task.h"

namespace reliant {

template <class Key>
class KeyedMutex {
  struct Entry {
    Semaphore permit{1};
    std::size_t users = 0;  // holding it or waiting for it
  };
  using Entries = std::map<Key, Entry>;

 public:
  // Held until it is destroyed.
  class [[nodiscard]] Lock {
   public:
    Lock(Lock&& other) noexcept
        : mutex_(std::exchange(other.mutex_, nullptr)), entry_(other.entry_), permit_(std::move(other.permit_)) {}
    Lock& operator=(Lock&&) = delete;
    ~Lock() {
      if (mutex_ == nullptr) return;
      permit_.reset();
      if (--entry_->second.users == 0) mutex_->entries_.erase(entry_);
    }

   private:
    friend class KeyedMutex;
    Lock(KeyedMutex& mutex, Entries::iterator entry) : mutex_(&mutex), entry_(entry) { ++entry->second.users; }

    KeyedMutex* mutex_;
    Entries::iterator entry_;
    std::optional<Semaphore::Permit> permit_;
  };

  // Nullopt: `deadline` came first.
  Task<std::optional<Lock>> lock(Key key, Instant deadline = kNever) {
    Lock lock(*this, entries_.try_emplace(std::move(key)).first);
    lock.permit_ = co_await lock.entry_->second.permit.acquire(deadline);
    if (!lock.permit_) co_return std::nullopt;
    co_return std::optional<Lock>(std::move(lock));
  }
  bool idle() const noexcept { return entries_.empty(); }

 private:
  Entries entries_;
};

}  // namespace reliant
