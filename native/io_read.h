// How the I/O thread reads: sockets with kernel timestamps, netlink news, the ends of processes, signals, news of files, what
// has become of connections.
// It looks at nothing inside a packet.
#pragma once

#include "io_thread.h"

/** Reads everything that arrived before the instant: what is decided at it must know all of it. */
inline void IoThread::DrainUntil(Nanos at) {
  for (auto& [fd, watched] : watched_) {
    if (watched.source == Source::kSocket) {
      while (DrainSocket(fd, watched) && watched.latest < at) RunPaces();
    } else if (watched.source == Source::kNetlink) {
      for (int round = 0; round < kNewsRounds && DrainNetlink(fd, watched); round++) {
      }
    }
  }
}

inline void IoThread::Drain(int fd, Watched& watched) {
  switch (watched.source) {
    case Source::kSocket:
      for (int round = 0; round < kRounds && DrainSocket(fd, watched); round++) RunPaces();
      break;
    case Source::kNetlink:
      for (int round = 0; round < kRounds && DrainNetlink(fd, watched); round++) {
      }
      break;
    case Source::kProcess:
      ReapProcess(fd, watched);
      break;
    case Source::kSignals:
      ReadSignals(fd);
      break;
    case Source::kFiles:
      for (int round = 0; round < kRounds && DrainFiles(fd, watched); round++) RunPaces();
      break;
  }
}

inline void CopyAddress(const sockaddr_storage& storage, uint8_t* to, uint32_t& family) {
  if (storage.ss_family == AF_INET) {
    memcpy(to, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, 4);
    family = 4;
  } else if (storage.ss_family == AF_INET6) {
    memcpy(to, &reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr, 16);
    family = 6;
  }
}

/** Fills in what the control messages say; returns the kernel's wall-clock timestamp, or 0. */
inline Nanos ReadControl(msghdr& message, RecordHeader& header) {
  Nanos stamp = 0;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
      timespec t;
      memcpy(&t, CMSG_DATA(c), sizeof t);
      stamp = t.tv_sec * 1'000'000'000LL + t.tv_nsec;
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) {
      memcpy(&header.aux, CMSG_DATA(c), sizeof header.aux);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT) {
      memcpy(&header.aux, CMSG_DATA(c), sizeof header.aux);
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      header.interface = static_cast<uint32_t>(info.ipi_ifindex);
      memcpy(header.to, &info.ipi_addr, 4);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      header.interface = static_cast<uint32_t>(info.ipi6_ifindex);
      memcpy(header.to, &info.ipi6_addr, 16);
    }
  }
  return stamp;
}

/** Reads one batch; true where there may be more. */
inline bool IoThread::DrainSocket(int fd, Watched& watched) {
  static uint8_t buffers[kBatch][kPacketLimit];
  static uint8_t controls[kBatch][256];
  mmsghdr headers[kBatch];
  iovec parts[kBatch];
  sockaddr_storage senders[kBatch];
  for (int i = 0; i < kBatch; i++) {
    parts[i] = {buffers[i], kPacketLimit};
    headers[i] = {};
    headers[i].msg_hdr.msg_name = &senders[i];
    headers[i].msg_hdr.msg_namelen = sizeof senders[i];
    headers[i].msg_hdr.msg_iov = &parts[i];
    headers[i].msg_hdr.msg_iovlen = 1;
    headers[i].msg_hdr.msg_control = controls[i];
    headers[i].msg_hdr.msg_controllen = sizeof controls[i];
  }
  const int count = recvmmsg(fd, headers, kBatch, MSG_DONTWAIT, nullptr);
  const int error = errno;
  const Nanos now = Now();
  if (count < 0) {
    // An asynchronous error (the interface went down) is read away; netlink tells the story.
    if (error == EAGAIN) watched.Emptied(now, Clock(CLOCK_REALTIME));
    watched.latest = now;
    return error != EAGAIN && error != EBADF && error != ENOTSOCK;
  }
  // The stamp is wall-clock time: its age is taken off our clock. Where the wall clock has jumped since the last look, as
  // it does when a paused machine goes on, the stamps of that time say nothing: what is read has arrived by now, and
  // nobody takes over because it seems to be old.
  const Nanos wall = Clock(CLOCK_REALTIME);
  const bool jumped = std::abs(wall - now - watched.wall) > kJump && watched.polled > 0;
  for (int i = 0; i < count; i++) {
    RecordHeader header{};
    header.kind = kPacket;
    header.source = static_cast<uint32_t>(fd);
    header.length = headers[i].msg_len;
    header.aux = -1;
    CopyAddress(senders[i], header.from, header.family);
    const Nanos stamp = ReadControl(headers[i].msg_hdr, header);
    const Nanos age = stamp == 0 || jumped ? 0 : wall - stamp;
    watched.latest = std::clamp(now - age, std::min(watched.polled, now), now);
    header.at = ToMicros(watched.latest);
    header.read = ToMicros(now);
    Push(header, buffers[i]);
  }
  // Only an empty socket bounds what comes next: behind a full batch wait packets that are as old as these.
  if (count < kBatch) watched.Emptied(now, wall);
  return count == kBatch;
}

inline bool IoThread::DrainNetlink(int fd, Watched& watched) {
  static uint8_t buffer[kNetlinkLimit];
  const ssize_t length = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC);
  const int error = errno;
  if (length < 0) {
    // The kernel dropped news: only a new dump tells what is true.
    if (error == ENOBUFS) watched.resync = true;
    return error == ENOBUFS || error == EINTR;
  }
  RecordHeader header{};
  header.kind = kPacket;
  header.source = static_cast<uint32_t>(fd);
  header.length = static_cast<uint32_t>(length);
  header.at = header.read = ToMicros(Now());
  if (static_cast<size_t>(length) > sizeof buffer || !Push(header, buffer)) watched.resync = true;
  return true;
}

inline void IoThread::ReapProcess(int fd, const Watched& watched) {
  siginfo_t info{};
  if (waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(fd), &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0)
    return;
  const bool exited = info.si_code == CLD_EXITED;
  const pid_t pid = watched.pid;
  int failure = 0;
  (void)!read(watched.refusal, &failure, sizeof failure);
  close(watched.refusal);
  watched_.erase(fd);
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  close(fd);
  RecordHeader header{};
  header.kind = kExit;
  header.source = static_cast<uint32_t>(pid);
  header.aux = exited ? info.si_status : -1;
  header.interface = exited ? 0 : static_cast<uint32_t>(info.si_status);
  header.family = static_cast<uint32_t>(failure);
  header.at = header.read = ToMicros(Now());
  Push(header);
}

inline void IoThread::ReadSignals(int fd) {
  uint8_t numbers[64];
  const ssize_t count = read(fd, numbers, sizeof numbers);
  for (ssize_t i = 0; i < count; i++) Note(kSignal, numbers[i], Now());
}

/** Events as inotify(7) lays them out, as many as there is room for; true where there may be more. */
inline bool IoThread::DrainFiles(int fd, Watched& watched) {
  static uint8_t buffer[kFilesLimit];
  const ssize_t length = read(fd, buffer, sizeof buffer);
  if (length <= 0) return length < 0 && errno == EINTR;
  RecordHeader header{};
  header.kind = kFiles;
  header.source = static_cast<uint32_t>(fd);
  header.length = static_cast<uint32_t>(length);
  header.at = header.read = ToMicros(Now());
  if (!Push(header, buffer)) watched.resync = true;
  return true;
}

/** The thread is told once that there is something; then it asks by itself, as long as it finds more. */
inline void IoThread::AwaitDials() {
  dials_due_ = 0;
  epoll_event event{EPOLLIN | EPOLLONESHOT, {}};
  event.data.fd = dials_.fd();
  epoll_ctl(epoll_, EPOLL_CTL_MOD, dials_.fd(), &event);
}

/**
 * Whoever was asked for a connection and has decided, or has not in time. Closing takes the kernel as long as asking did: the mutex
 * is not held meanwhile, and nothing is left of a connection when JavaScript hears of it.
 */
inline void IoThread::RunDials(bool told) {
  const Nanos now = Now();
  if (told || (dials_due_ > 0 && dials_due_ <= now)) dials_due_ = now;
  std::vector<Decided>& decided = decided_;
  {
    Lock lock(mutex_);
    const bool late = dials_.Earliest() <= now;
    if (!late && dials_due_ != now) return;
    while (dials_.Look(decided) == kLook) {
    }
    if (!decided.empty()) dials_due_ = (now / kGrain + 1) * kGrain;
    else if (dials_due_ > 0) AwaitDials();
    // What was decided while nobody looked is known by now: it came before its time was over.
    dials_.Expire(now, decided);
  }
  for (const Decided& one : decided) close(one.fd);
  Lock lock(mutex_);
  for (const Decided& one : decided) Note(kReached, one.id, now, one.error);
  decided.clear();
}
