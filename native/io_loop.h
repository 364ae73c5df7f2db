// What the I/O thread does between two waits: the bodies of IoThread (io_thread.h).
//
// Order matters: at every instant that is due, sockets are read first, so that a packet that came before an alarm
// is delivered before it, and a shot sees every packet that came before it.
#pragma once

#include "io_read.h"

inline IoThread::IoThread() {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  // JavaScript may hold the mutex at normal priority while the thread is real-time: it inherits the thread's.
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(&mutex_, &attributes);
  pthread_mutexattr_destroy(&attributes);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  quit_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  for (const int fd : {timer_, quit_}) {
    epoll_event event{EPOLLIN, {}};
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
  epoll_event event{EPOLLIN | EPOLLONESHOT, {}};
  event.data.fd = dials_.fd();
  epoll_ctl(epoll_, EPOLL_CTL_ADD, dials_.fd(), &event);
}

inline void IoThread::Start(Napi::Env env, Napi::Function ready, Napi::Uint8Array ring, int policy, int priority) {
  {
    Lock lock(mutex_);
    if (running_) Fail(env, "start", EBUSY);
    running_ = true;
  }
  uint64_t ignored;
  (void)!read(quit_, &ignored, sizeof ignored);
  const auto name = Napi::String::New(env, "io");
  if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, Deliver, &wake_) !=
      napi_ok) {
    running_ = false;
    Fail(env, "napi_create_threadsafe_function", ENOMEM);
  }
  env_ = env;
  session_ += 1;
  ready_ = Napi::Persistent(ready);
  ring_ = Napi::Reference<Napi::Uint8Array>::New(ring, 1);
  setImmediate_ = Napi::Persistent(env.Global().Get("setImmediate").As<Napi::Function>());
  look_ = Napi::Persistent(Napi::Function::New(env, [](const Napi::CallbackInfo& call) { Get().Look(call.Env()); }));
  const int refused = CreateThread(policy, priority);
  if (refused != 0) {
    Release();
    Fail(env, "pthread_create", refused);
  }
  // Registered after the threadsafe function's own hook and so run before it: the thread is joined first.
  napi_add_env_cleanup_hook(env, CleanUp, this);
  Lock lock(mutex_);
  armed_ = kUnset;
  Rearm();
}

/**
 * The priority is part of the creation: where it is not permitted no thread has ever run. Without one the thread has the
 * policy of its creator, who may not be allowed to leave it (SCHED_IDLE). Returns an errno.
 */
inline int IoThread::CreateThread(int policy, int priority) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setinheritsched(&attributes, policy == SCHED_OTHER ? PTHREAD_INHERIT_SCHED : PTHREAD_EXPLICIT_SCHED);
  sched_param parameter{};
  parameter.sched_priority = policy == SCHED_OTHER ? 0 : priority;
  int refused = pthread_attr_setschedpolicy(&attributes, policy);
  if (refused == 0) refused = pthread_attr_setschedparam(&attributes, &parameter);
  if (refused == 0) {
    // Every signal is for JavaScript's thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    refused = pthread_create(&thread_, &attributes, Main, this);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  pthread_attr_destroy(&attributes);
  return refused;
}

inline void IoThread::Stop(napi_env env) {
  {
    Lock lock(mutex_);
    if (!running_) return;
    // A worker must neither join a thread that delivers elsewhere nor touch another environment's references.
    if (env != env_) Fail(env, "stop", EBUSY);
  }
  napi_remove_env_cleanup_hook(env, CleanUp, this);
  CleanUp(this);
}

inline void IoThread::CleanUp(void* self) {
  auto* thread = static_cast<IoThread*>(self);
  thread->Halt();
  thread->Release();
}

/** Forgets every order and joins the thread. */
inline void IoThread::Halt() {
  {
    Lock lock(mutex_);
    paces_.clear();
    shots_.clear();
    fired_.clear();
    alarm_ = 0;
    deadman_ = 0;
    exhausted_ = false;
  }
  const uint64_t one = 1;
  (void)!write(quit_, &one, sizeof one);
  pthread_join(thread_, nullptr);
}

/** The thread is not running: gives back what it used of the environment, and forgets what was not delivered. */
inline void IoThread::Release() {
  napi_release_threadsafe_function(wake_, napi_tsfn_abort);
  ready_.Reset();
  setImmediate_.Reset();
  look_.Reset();
  ring_.Reset();
  Lock lock(mutex_);
  if (deadman_fd_ >= 0) close(deadman_fd_);
  deadman_fd_ = -1;
  if (ledger_ != nullptr) munmap(ledger_, ledger_size_ * sizeof(double));
  ledger_ = nullptr;
  ledger_size_ = 0;
  env_ = nullptr;
  running_ = false;
  signalled_ = false;
  dials_.Clear();
  AwaitDials();
  queue_.clear();
  overflow_ = kNoOverflow;
  unsettled_ = handed_ = {};
}

inline void* IoThread::Main(void* self) {
  pthread_setname_np(pthread_self(), "io");
  static_cast<IoThread*>(self)->Run();
  return nullptr;
}

/** The first shot of a process must not be the first use of its code, of the heap and of the stack. */
inline void IoThread::WarmUp() {
  Tick nothing(kBatch);
  (void)SendAll(-1, nothing);
  Watched nobody{Source::kSocket};
  (void)DrainSocket(-1, nobody);
  std::map<uint32_t, Pace> paces;
  paces[0] = Pace{};
}

inline void IoThread::Run() {
  WarmUp();
  epoll_event events[16];
  for (;;) {
    const int count = epoll_wait(epoll_, events, 16, -1);
    if (count < 0 && errno != EINTR) return;
    RunDials(std::any_of(events, events + std::max(count, 0), [this](auto& event) { return event.data.fd == dials_.fd(); }));
    Lock lock(mutex_);
    // A schedule that was not kept is reported before what arrived meanwhile: what that means depends on it.
    ForgiveAbsence();
    StallLatePaces();
    for (int i = 0; i < count; i++) {
      const int fd = events[i].data.fd;
      if (fd == quit_) return;
      if (fd == timer_) {
        uint64_t expirations;
        (void)!read(timer_, &expirations, sizeof expirations);
        armed_ = 0;
        continue;
      }
      const auto found = watched_.find(fd);
      if (found != watched_.end()) Drain(fd, found->second);
    }
    RunDue();
    Rearm();
    Wake();
  }
}

/** Sets the timer to the earliest thing that is due; called with the mutex held, by either side. */
inline void IoThread::Rearm() {
  Nanos earliest = kNever;
  if (alarm_ > 0) earliest = alarm_;
  for (const auto& [id, pace] : paces_) earliest = std::min(earliest, pace.next);
  for (const auto& [id, shot] : shots_) earliest = std::min(earliest, shot.at - prewake_);
  if (dials_due_ > 0) earliest = std::min(earliest, dials_due_);
  earliest = std::min(earliest, dials_.Earliest());
  if (deadman_ > 0 && !exhausted_) earliest = std::min(earliest, credit_);
  if (earliest == armed_) return;
  armed_ = earliest;
  itimerspec when{};
  if (earliest != kNever) {
    const Nanos at = std::max<Nanos>(earliest, 1);
    when.it_value = {at / 1'000'000'000, at % 1'000'000'000};
  }
  timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
}

inline void IoThread::RunDue() {
  CheckCredit(Now());
  RunPaces();
  const Nanos now = Now();
  bool due = alarm_ > 0 && alarm_ <= now;
  for (const auto& [id, shot] : shots_) due = due || shot.at - prewake_ <= now;
  if (!due) return;
  RunShots();
  if (alarm_ > 0 && alarm_ <= Now()) {
    const Nanos at = alarm_;
    DrainUntil(at);
    alarm_ = 0;
    Note(kAlarm, 0, at);
  }
}

inline void IoThread::StallLatePaces() {
  const Nanos now = Now();
  for (auto entry = paces_.begin(); entry != paces_.end();)
    entry = StallIfLate(entry, now) ? paces_.erase(entry) : std::next(entry);
}

/** SIGSTOP or a paused virtual machine: what is late by a period is not sent, JavaScript reads its queue and decides. */
inline bool IoThread::StallIfLate(std::map<uint32_t, Pace>::const_iterator entry, Nanos now) {
  const auto& [id, pace] = *entry;
  const Nanos late = now - pace.next;
  // A pace that was ordered after the credit ended is silent too.
  if (late < 0 || (late <= pace.period && !exhausted_)) return false;
  Note(kStalled, id, pace.next);
  return true;
}

inline void IoThread::RunPaces() {
  // Asked for once a send: most schedules of many are not due.
  Nanos now = Now();
  for (auto entry = paces_.begin(); entry != paces_.end();) {
    auto& [id, pace] = *entry;
    if (now < pace.next) {
      ++entry;
      continue;
    }
    if (StallIfLate(entry, now)) {
      entry = paces_.erase(entry);
      continue;
    }
    const int failure = SendAll(pace.fd, pace.ticks[pace.position]);
    if (failure != 0) Note(kSendFailed, id, pace.next, failure);
    now = Now();
    Enter(id, ToMicros(now));
    pace.position = (pace.position + 1) % pace.ticks.size();
    pace.next += pace.period;
    ++entry;
  }
}

/** A shot that is later than a period of what it begins has missed its moment: it is like a stalled pace. */
inline Nanos Patience(const Shot& shot) {
  Nanos least = kNever;
  for (const ShotPart& part : shot.parts)
    if (part.pace) least = std::min(least, part.pace->period);
  return least;
}

/** Fires the shots that are due, each unless a packet waits that JavaScript has not handled. */
inline void IoThread::RunShots() {
  for (auto entry = shots_.begin(); entry != shots_.end();) {
    const uint32_t id = entry->first;
    const Nanos at = entry->second.at;
    if (at - prewake_ > Now()) {
      ++entry;
      continue;
    }
    if (at > Now()) {
      // The last microseconds are waited for awake; JavaScript may move or disarm the shot meanwhile.
      pthread_mutex_unlock(&mutex_);
      while (Now() < at) {
      }
      pthread_mutex_lock(&mutex_);
    }
    const auto found = shots_.find(id);
    if (found == shots_.end() || found->second.at > Now()) {
      entry = shots_.upper_bound(id);
      continue;
    }
    DrainUntil(found->second.at);
    Shot shot = std::move(found->second);
    entry = shots_.erase(found);
    if (unsettled_.all > 0 || exhausted_ || Now() - shot.at > Patience(shot))
      Note(kWithheld, id, shot.at);
    else
      Fire(id, shot);
  }
}

inline void IoThread::Fire(uint32_t id, Shot& shot) {
  fired_.insert(id);
  int failure = 0;
  for (ShotPart& part : shot.parts) {
    if (part.pace) {
      // Its schedule counts from the instant that was asked for, however long the parts before it took.
      if (part.pace->next == 0) part.pace->next = shot.at;
      part.pace->Join(std::max<Nanos>(Now() - part.pace->next, 0));
      paces_[part.pace_id] = std::move(*part.pace);
    } else {
      const int error = SendAll(part.fd, part.datagrams);
      if (failure == 0) failure = error;
    }
    // The first advert of a new pace leaves here, and a long shot holds up no schedule by more than one part.
    RunPaces();
  }
  Note(kFired, id, shot.at, failure);
}

/** Credit is for a loop that could have turned: the time in which nobody ran takes none of it. */
inline void IoThread::ForgiveAbsence() {
  if (deadman_ == 0 || exhausted_ || armed_ <= 0 || armed_ == kNever) return;
  const Nanos absence = Now() - armed_;
  if (absence > kAbsence) credit_ += absence;
}

inline void IoThread::CheckCredit(Nanos now) {
  if (deadman_ == 0 || exhausted_ || now < credit_) return;
  exhausted_ = true;
  StopEverything(now);
  if (deadman_fd_ >= 0) (void)!write(deadman_fd_, "!", 1);
}

inline void IoThread::StopEverything(Nanos now) {
  for (const auto& [id, pace] : paces_) Note(kStalled, id, now);
  for (const auto& [id, shot] : shots_) Note(kWithheld, id, now);
  paces_.clear();
  shots_.clear();
}

inline void IoThread::Note(RecordKind kind, uint32_t source, Nanos at, int aux) {
  RecordHeader header{};
  header.kind = kind;
  header.source = source;
  header.aux = aux;
  header.at = ToMicros(at);
  header.read = ToMicros(Now());
  Push(header);
}

/**
 * The queue is bounded for packets, and at twice that for what others can cause at will; everything else is as
 * rare as the orders of JavaScript that lead to it.
 */
inline bool IoThread::Push(RecordHeader header, const uint8_t* bytes) {
  const size_t padded = (header.length + 7u) & ~size_t{7};
  const size_t size = queue_.size() + sizeof header + padded;
  const bool repeatable = header.kind == kSendFailed || header.kind == kSignal;
  // Its descriptor says `resync` instead.
  if (header.kind == kFiles && size > kQueueLimit) return false;
  if ((header.kind == kPacket && size > kQueueLimit) || (repeatable && size > 2 * kQueueLimit)) {
    NoteLoss();
    return false;
  }
  const size_t offset = queue_.size();
  overflow_ = header.kind == kOverflow ? offset : kNoOverflow;
  queue_.resize(size);
  memcpy(queue_.data() + offset, &header, sizeof header);
  if (header.length > 0) memcpy(queue_.data() + offset + sizeof header, bytes, header.length);
  unsettled_.Count(header);
  return true;
}

/** The loss stands in the queue where it happened: before an alarm that is decided without what was lost. */
inline void IoThread::NoteLoss() {
  if (overflow_ == kNoOverflow) {
    Note(kOverflow, 0, Now(), 1);
    return;
  }
  RecordHeader header;
  memcpy(&header, queue_.data() + overflow_, sizeof header);
  if (header.aux < INT32_MAX) header.aux += 1;
  header.at = header.read = ToMicros(Now());
  memcpy(queue_.data() + overflow_, &header, sizeof header);
}

inline bool IoThread::HasNews() const {
  bool news = !queue_.empty();
  for (const auto& [fd, watched] : watched_) news = news || watched.resync;
  return news;
}

/**
 * JavaScript is called only where it has found nothing more to read. A threadsafe function has a mutex that JavaScript's
 * thread takes at its own priority, and on a busy machine may hold while others run: only in this order does it
 * never hold it when the I/O thread needs it.
 */
inline void IoThread::Wake() {
  if (signalled_ || !HasNews()) return;
  signalled_ = true;
  napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
}

inline void IoThread::Deliver(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;  // the environment is going away
  const Napi::HandleScope scope(env);
  static_cast<IoThread*>(context)->Look(Napi::Env(env));
}

/** Delivers what there is; looks again in the loop's next turn until there is nothing, so that others get theirs. */
inline void IoThread::Look(Napi::Env env) {
  const uint64_t session = session_;
  if (env_ == nullptr) return;  // stopped since
  try {
    DeliverAll(env);
  } catch (const Napi::Error& error) {
    napi_fatal_exception(env, error.Value());
  }
  if (session != session_ || env_ == nullptr) return;  // stopped from within
  {
    Lock lock(mutex_);
    signalled_ = HasNews();
    if (!signalled_) return;
  }
  setImmediate_.Call({look_.Value()});
}

/** What was queued since the last delivery. */
inline std::vector<uint8_t> IoThread::TakeQueue() {
  std::vector<uint8_t> records;
  Lock lock(mutex_);
  for (auto& [fd, watched] : watched_) {
    if (watched.resync) Note(kResync, static_cast<uint32_t>(fd), Now());
    watched.resync = false;
  }
  records.swap(queue_);
  queue_.swap(spare_);
  overflow_ = kNoOverflow;
  return records;
}

/** What JavaScript has read is the I/O thread's next queue: whoever frees memory may hold up who allocates it. */
inline void IoThread::ReturnQueue(std::vector<uint8_t>& records) {
  if (records.capacity() > kSpareLimit) return;
  records.clear();
  Lock lock(mutex_);
  if (spare_.capacity() < records.capacity()) spare_.swap(records);
}

inline void IoThread::DeliverAll(Napi::Env env) {
  const uint64_t session = session_;
  std::vector<uint8_t> records = TakeQueue();
  for (size_t from = 0; from < records.size();) {
    Napi::Uint8Array ring = ring_.Value();
    size_t to = from;
    Packets packets;
    while (to < records.size()) {
      RecordHeader header;
      memcpy(&header, records.data() + to, sizeof header);
      const size_t size = sizeof header + ((header.length + 7u) & ~size_t{7});
      if (to + size - from > ring.ByteLength()) break;
      packets.Count(header);
      to += size;
    }
    // It held two of the largest records when it was handed over.
    if (to == from) throw Napi::Error::New(env, "the ring has been detached");
    memcpy(ring.Data(), records.data() + from, to - from);
    {
      Lock lock(mutex_);
      handed_.all += packets.all;
      handed_.heard += packets.heard;
    }
    const auto length = static_cast<double>(to - from);
    from = to;
    try {
      ready_.Call({Napi::Number::New(env, length)});
    } catch (const Napi::Error& error) {
      // An uncaughtException handler may keep the process alive: the other records are still its.
      napi_fatal_exception(env, error.Value());
    }
    if (session != session_ || env_ == nullptr) return;  // stopped from within
  }
  ReturnQueue(records);
}

inline int IoThread::Add(int fd, const Watched& watched) {
  Lock lock(mutex_);
  epoll_event event{EPOLLIN, {}};
  event.data.fd = fd;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) < 0) return -1;
  watched_[fd] = watched;
  return 0;
}

inline int IoThread::Watch(int fd, bool netlink) {
  return Add(fd, {netlink ? Source::kNetlink : Source::kSocket});
}

inline int IoThread::WatchProcess(int pidfd, pid_t pid, int refusal) {
  Watched watched{Source::kProcess, pid};
  watched.refusal = refusal;
  return Add(pidfd, watched);
}

inline int IoThread::WatchSignals(int fd) { return Add(fd, {Source::kSignals}); }

inline int IoThread::WatchFiles(int fd) { return Add(fd, {Source::kFiles}); }

inline bool IoThread::Unwatch(int fd) {
  Lock lock(mutex_);
  if (watched_.erase(fd) == 0) return false;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  return true;
}

inline void IoThread::Forget(int fd) {
  Unwatch(fd);
  Lock lock(mutex_);
  for (auto entry = paces_.begin(); entry != paces_.end();)
    entry = entry->second.fd == fd ? paces_.erase(entry) : std::next(entry);
  for (auto entry = shots_.begin(); entry != shots_.end();) {
    const auto& parts = entry->second.parts;
    const bool uses = std::any_of(parts.begin(), parts.end(), [fd](const ShotPart& part) { return part.fd == fd; });
    entry = uses ? shots_.erase(entry) : std::next(entry);
  }
  Rearm();
}
