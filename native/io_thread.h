// The I/O thread: it reads sockets with kernel timestamps, sends on absolute schedules, raises one alarm, and
// falls silent by itself when JavaScript stops giving it credit. It moves bytes and knows no protocol.
//
// Instants are nanoseconds of CLOCK_MONOTONIC inside, microseconds at the JavaScript border. One mutex guards
// everything; JavaScript holds it for copies, the thread for its sends, so that what JavaScript withdraws has
// either left before the call returns or never leaves.
#pragma once

#include <pthread.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <map>
#include <optional>
#include <set>

#include "dial.h"
#include "errno.h"

using Nanos = int64_t;

constexpr Nanos kNever = INT64_MAX;
/** The timer has no setting that could be kept. */
constexpr Nanos kUnset = INT64_MIN;

inline Nanos Clock(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}
inline Nanos Now() { return Clock(CLOCK_MONOTONIC); }
inline double ToMicros(Nanos t) { return static_cast<double>(t) / 1000.0; }
inline Nanos FromMicros(double t) { return static_cast<Nanos>(std::llround(t * 1000.0)); }

struct Datagram {
  Address to;
  std::vector<uint8_t> bytes;
};
using Tick = std::vector<Datagram>;

struct Pace {
  int fd = -1;
  Nanos period = 0;
  Nanos next = 0;
  std::vector<Tick> ticks;
  size_t position = 0;

  /** Joins its schedule: what was to leave in the periods that are over is left out. */
  void Join(Nanos late) {
    const Nanos over = late / period;
    next += over * period;
    position = (position + static_cast<size_t>(over)) % ticks.size();
  }
};

/** One part of a shot: datagrams through a socket, or a pace that begins with the shot. */
struct ShotPart {
  int fd = -1;
  Tick datagrams;
  uint32_t pace_id = 0;
  std::optional<Pace> pace;
};

struct Shot {
  Nanos at = 0;
  std::vector<ShotPart> parts;
};

enum RecordKind : uint32_t {
  kPacket = 1,
  kAlarm = 2,
  kFired = 3,
  kWithheld = 4,
  kSendFailed = 5,
  kStalled = 6,
  kOverflow = 7,
  kExit = 8,
  kSignal = 9,
  kResync = 10,
  kReached = 11,
  kFiles = 12,
};

// One record in the ring, then `length` bytes padded to 8. src/net/record.ts reads the same layout.
struct RecordHeader {
  uint32_t kind;
  uint32_t source;  // descriptor, pace, shot or dial id, pid, signal
  uint32_t length;
  int32_t aux;  // hop limit, errno, exit status, lost records
  double at;    // when it happened
  double read;  // when the thread dealt with it
  uint32_t interface;  // of an end: the signal
  uint32_t family;     // 4, 6, or 0 where the addresses mean nothing; of an end: why it was not run, an errno
  uint8_t from[16];
  uint8_t to[16];
};
static_assert(sizeof(RecordHeader) == 72);

/** How many packets; `heard` of them came from sockets; the others are the kernel's news. */
struct Packets {
  int64_t all = 0;
  int64_t heard = 0;

  void Count(const RecordHeader& header) {
    if (header.kind != kPacket) return;
    all += 1;
    if (header.family != 0) heard += 1;
  }
};

constexpr size_t kQueueLimit = 4u << 20;
constexpr size_t kNoOverflow = SIZE_MAX;
/** A queue of more than this is given back to the system when it has been read. */
constexpr size_t kSpareLimit = 1u << 20;
constexpr int kBatch = 32;
/** 255 IPv6 addresses in one packet are 4088 bytes; what is longer arrives cut off. */
constexpr size_t kPacketLimit = 4608;
constexpr size_t kNetlinkLimit = 65536;
/** Some dozens of events; one takes at most 272 bytes. */
constexpr size_t kFilesLimit = 16384;
/** More than adjusting a clock moves it between two looks, and less than anybody waits for. */
constexpr Nanos kJump = 10'000'000;
/** A thread that wakes so much later than it wanted was not run: nor was JavaScript. */
constexpr Nanos kAbsence = 100'000'000;
/**
 * Where connections follow each other, what has become of them is looked at so often: thousands a second would wake both
 * threads for each. On the same instants JavaScript has its alarms.
 */
constexpr Nanos kGrain = 1'000'000;
/** Batches read from one socket before the others and the schedules get their turn. */
constexpr int kRounds = 4;
/** Netlink messages read before a decision; they carry no stamp that would tell which came later. */
constexpr int kNewsRounds = 64;

class Lock {
 public:
  explicit Lock(pthread_mutex_t& mutex) : mutex_(mutex) { pthread_mutex_lock(&mutex_); }
  ~Lock() { pthread_mutex_unlock(&mutex_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  pthread_mutex_t& mutex_;
};

/** Sends all it can at once; returns 0 or the first errno. */
inline int SendAll(int fd, Tick& tick) {
  int failure = 0;
  for (size_t from = 0; from < tick.size();) {
    mmsghdr headers[kBatch];
    iovec parts[kBatch];
    unsigned count = 0;
    for (; count < kBatch && from + count < tick.size(); count++) {
      Datagram& datagram = tick[from + count];
      parts[count] = {datagram.bytes.data(), datagram.bytes.size()};
      headers[count] = {};
      headers[count].msg_hdr.msg_name = datagram.to.get();
      headers[count].msg_hdr.msg_namelen = datagram.to.length;
      headers[count].msg_hdr.msg_iov = &parts[count];
      headers[count].msg_hdr.msg_iovlen = 1;
    }
    const int sent = sendmmsg(fd, headers, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (failure == 0) failure = errno;
      from += 1;  // this one failed: the others may still leave
    } else {
      from += static_cast<size_t>(sent);
    }
  }
  return failure;
}

class IoThread {
 public:
  static IoThread& Get() {
    static IoThread* thread = new IoThread();  // never destroyed: the kernel reclaims it, and exit stays simple
    return *thread;
  }

  // ---- the thread itself
  void Start(Napi::Env env, Napi::Function ready, Napi::Uint8Array ring, int policy, int priority);
  /** Only the environment that started it may stop it. */
  void Stop(napi_env env);

  // ---- orders; each is complete when it returns
  void Alarm(Nanos at) {
    Lock lock(mutex_);
    alarm_ = at;
    Rearm();
  }
  void Prewake(Nanos duration) {
    Lock lock(mutex_);
    prewake_ = duration;
    Rearm();
  }
  /**
   * One that is ordered more than a period late joins its schedule where that is by now, unless something was heard that
   * JavaScript does not know yet: it was slow, but would decide the same again. Otherwise it stalls. What is due leaves
   * before this returns, so before whatever is ordered next.
   */
  void SetPace(uint32_t id, Pace pace) {
    Lock lock(mutex_);
    const Nanos late = Now() - pace.next;
    if (late > pace.period && !exhausted_) {
      DrainUntil(Now());
      if (unsettled_.heard == 0) pace.Join(late);
    }
    paces_[id] = std::move(pace);
    if (late >= 0) {
      RunPaces();
      Wake();
    }
    Rearm();
  }
  bool Repace(uint32_t id, std::vector<Tick> ticks) {
    Lock lock(mutex_);
    const auto found = paces_.find(id);
    if (found == paces_.end()) return false;
    found->second.ticks = std::move(ticks);
    found->second.position %= found->second.ticks.size();
    return true;
  }
  void Unpace(uint32_t id) {
    Lock lock(mutex_);
    paces_.erase(id);
    Enter(id, 0);
    Rearm();
  }
  void SetShot(uint32_t id, Shot shot) {
    Lock lock(mutex_);
    fired_.erase(id);
    shots_[id] = std::move(shot);
    Rearm();
  }
  bool MoveShot(uint32_t id, Nanos at) {
    Lock lock(mutex_);
    const auto found = shots_.find(id);
    if (found == shots_.end()) return false;
    found->second.at = at;
    Rearm();
    return true;
  }
  bool Disarm(uint32_t id) {
    Lock lock(mutex_);
    shots_.erase(id);
    Rearm();
    // One that was withheld will never be carried out either: only what has been sent cannot be taken back.
    return fired_.erase(id) == 0;
  }
  /** The descriptor is duplicated: one that JavaScript closes early must not become some other file. */
  int Deadman(Nanos duration, int fd) {
    const int own = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0 && own < 0) return -1;
    Lock lock(mutex_);
    if (deadman_fd_ >= 0) close(deadman_fd_);
    deadman_ = duration;
    deadman_fd_ = own;
    credit_ = duration > 0 ? Now() + duration : kNever;
    exhausted_ = false;
    Rearm();
    return 0;
  }
  void Alive() {
    Lock lock(mutex_);
    // The timer is not re-armed: when it goes off at the old limit, it sees the new one.
    if (deadman_ > 0) credit_ = Now() + deadman_;
    if (!exhausted_) return;
    exhausted_ = false;
    Rearm();
  }
  /**
   * From now on the instant of each pace's last send, in microseconds, is in slot `id` of this shared memory, and 0
   * once the pace is withdrawn: whoever maps the same file still reads it when this process is gone.
   */
  void Ledger(double* slots, size_t count) {
    Lock lock(mutex_);
    if (ledger_ != nullptr) munmap(ledger_, ledger_size_ * sizeof(double));
    ledger_ = slots;
    ledger_size_ = count;
  }
  void Settle() {
    Lock lock(mutex_);
    unsettled_.all -= handed_.all;
    unsettled_.heard -= handed_.heard;
    handed_ = {};
  }
  /**
   * A descriptor on which connect(2) has been called is the thread's from now on: one kReached follows, with an errno (ETIMEDOUT at
   * the deadline), and it is closed before. Returns 0, or an errno and the descriptor is the caller's.
   */
  int Dial(uint32_t id, int fd, Nanos deadline) {
    Lock lock(mutex_);
    if (!running_) return ESRCH;
    if (dials_.Has(id)) return EEXIST;
    if (dials_.Add(id, fd, deadline) < 0) return errno;
    Rearm();
    return 0;
  }
  /** It is closed when this returns; false where it had been already: its record is on its way, or was there. */
  bool HangUp(uint32_t id) {
    int fd;
    {
      Lock lock(mutex_);
      fd = dials_.Take(id);
    }
    return fd >= 0 && close(fd) == 0;
  }
  int Watch(int fd, bool netlink);
  /** `refusal` holds the errno of what was not run, and nothing otherwise. Both descriptors are the thread's from then on. */
  int WatchProcess(int pidfd, pid_t pid, int refusal);
  int WatchSignals(int fd);
  int WatchFiles(int fd);
  bool Unwatch(int fd);
  /** Nothing is read from or sent to the descriptor any more: it is about to be closed and its number reused. */
  void Forget(int fd);

 private:
  enum class Source { kSocket, kNetlink, kProcess, kSignals, kFiles };
  struct Watched {
    Source source;
    pid_t pid = 0;
    int refusal = -1;
    /** When the socket was last seen empty: what is read later cannot have arrived before. */
    Nanos polled = 0;
    /** Wall clock minus ours at that moment. */
    Nanos wall = 0;
    /** Arrival of the last packet read. */
    Nanos latest = 0;
    /** News of the kernel, or of files, was dropped and JavaScript does not know yet. */
    bool resync = false;

    void Emptied(Nanos now, Nanos real) {
      polled = now;
      wall = real - now;
    }
  };

  IoThread();
  int CreateThread(int policy, int priority);
  void Halt();
  void Release();
  static void CleanUp(void* self);
  static void* Main(void* self);
  void WarmUp();
  void Run();
  void Rearm();
  /** Written whole: a reader sees the old instant or the new one. */
  void Enter(uint32_t id, double micros) {
    if (id < ledger_size_) __atomic_store(&ledger_[id], &micros, __ATOMIC_RELAXED);
  }
  void RunDue();
  void RunPaces();
  void RunDials(bool told);
  void AwaitDials();
  void RunShots();
  void Fire(uint32_t id, Shot& shot);
  void ForgiveAbsence();
  void CheckCredit(Nanos now);
  void StallLatePaces();
  bool StallIfLate(std::map<uint32_t, Pace>::const_iterator entry, Nanos now);
  void StopEverything(Nanos now);
  void DrainUntil(Nanos at);
  int Add(int fd, const Watched& watched);
  void Drain(int fd, Watched& watched);
  bool DrainSocket(int fd, Watched& watched);
  bool DrainNetlink(int fd, Watched& watched);
  void ReapProcess(int fd, const Watched& watched);
  void ReadSignals(int fd);
  bool DrainFiles(int fd, Watched& watched);
  bool Push(RecordHeader header, const uint8_t* bytes = nullptr);
  void NoteLoss();
  void Note(RecordKind kind, uint32_t source, Nanos at, int aux = 0);
  bool HasNews() const;
  void Wake();
  void Look(Napi::Env env);
  static void Deliver(napi_env env, napi_value callback, void* context, void* data);
  std::vector<uint8_t> TakeQueue();
  void ReturnQueue(std::vector<uint8_t>& records);
  void DeliverAll(Napi::Env env);

  pthread_mutex_t mutex_;
  pthread_t thread_{};
  bool running_ = false;
  int epoll_ = -1;
  int timer_ = -1;
  int quit_ = -1;

  Nanos alarm_ = 0;
  Nanos prewake_ = 0;
  Nanos armed_ = kUnset;
  std::map<uint32_t, Pace> paces_;
  std::map<uint32_t, Shot> shots_;
  std::set<uint32_t> fired_;
  Nanos deadman_ = 0;
  Nanos credit_ = kNever;
  int deadman_fd_ = -1;
  bool exhausted_ = false;

  Dials dials_;
  /** When they are looked at next; 0 while the thread waits to be told that there is something. */
  Nanos dials_due_ = 0;
  /** Of one round; empty between two. */
  std::vector<Decided> decided_;

  double* ledger_ = nullptr;
  size_t ledger_size_ = 0;

  std::map<int, Watched> watched_;
  std::vector<uint8_t> queue_;
  /** Empty, with the memory of a queue that has been read. */
  std::vector<uint8_t> spare_;
  /** Where in the queue the record of what was lost is that nothing has followed; kNoOverflow where there is none. */
  size_t overflow_ = kNoOverflow;
  /** JavaScript has been called and has not yet found that there is nothing more. */
  bool signalled_ = false;
  /** Packets that JavaScript has not handled: in the queue or handed over. A shot does not fire before they are. */
  Packets unsettled_;
  Packets handed_;

  /** The environment that started the thread, and how many starts there have been. */
  napi_env env_ = nullptr;
  uint64_t session_ = 0;
  napi_threadsafe_function wake_ = nullptr;
  Napi::FunctionReference ready_;
  Napi::FunctionReference setImmediate_;
  Napi::FunctionReference look_;
  Napi::Reference<Napi::Uint8Array> ring_;
};

#include "io_loop.h"
