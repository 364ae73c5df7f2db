// Connections that are only asked for: whether each was accepted, and no more. Nothing is read from one and nothing written
// to it.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

/** One look takes so many. */
constexpr int kLook = 64;

struct Decided {
  uint32_t id;
  /** An errno; 0 for accepted, ETIMEDOUT where it has waited long enough. */
  int error;
  int fd;
};

/**
 * Those under way, by an id that its owner never uses for two of them at once: a descriptor is closed here, and its number may be
 * another file's by the time when somebody hears of it. The owner guards it with a mutex; only fd() is constant.
 */
class Dials {
 public:
  Dials() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  Dials(const Dials&) = delete;
  Dials& operator=(const Dials&) = delete;

  /** Readable when a look would find something. */
  int fd() const { return epoll_; }
  bool Has(uint32_t id) const { return under_way_.count(id) > 0; }
  /** When the first of them has waited long enough. */
  int64_t Earliest() const { return deadlines_.empty() ? INT64_MAX : deadlines_.begin()->first; }

  /** The descriptor, on which connect(2) has been called, is this object's from now on, unless -1 comes back (errno). */
  int Add(uint32_t id, int fd, int64_t deadline) {
    epoll_event event{EPOLLOUT | EPOLLONESHOT, {}};
    event.data.u64 = id;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) < 0) return -1;
    under_way_[id] = {fd, deadline};
    deadlines_.insert({deadline, id});
    return 0;
  }

  /** Its descriptor, which is the caller's again; -1 where there is none of this id any more. */
  int Take(uint32_t id) {
    const auto found = under_way_.find(id);
    if (found == under_way_.end()) return -1;
    const int fd = found->second.fd;
    deadlines_.erase({found->second.deadline, id});
    under_way_.erase(found);
    return fd;
  }

  /** Some that are decided, at the end of a list: their descriptors are the caller's, who closes them. There may be more after kLook. */
  int Look(std::vector<Decided>& decided) {
    epoll_event events[kLook];
    const int count = epoll_wait(epoll_, events, kLook, 0);
    for (int i = 0; i < count; i++) {
      const auto id = static_cast<uint32_t>(events[i].data.u64);
      const int fd = Take(id);
      if (fd < 0) continue;
      int error = 0;
      socklen_t length = sizeof error;
      if ((events[i].events & (EPOLLERR | EPOLLHUP)) != 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        error = errno;
      decided.push_back({id, error, fd});
    }
    return count;
  }

  /** The same with those that have waited until then. */
  void Expire(int64_t now, std::vector<Decided>& decided) {
    while (Earliest() <= now) {
      const uint32_t id = deadlines_.begin()->second;
      decided.push_back({id, ETIMEDOUT, Take(id)});
    }
  }

  void Clear() {
    for (const auto& [id, one] : under_way_) close(one.fd);
    under_way_.clear();
    deadlines_.clear();
  }

 private:
  struct Dial {
    int fd;
    int64_t deadline;
  };

  const int epoll_;
  std::unordered_map<uint32_t, Dial> under_way_;
  std::set<std::pair<int64_t, uint32_t>> deadlines_;
};
