// The addon's entry: what JavaScript can call (src/net/native.ts declares the same list) and how it ends.
// One translation unit: everything else is a header included here.

#include "datagram.h"
#include "device.h"
#include "inotify.h"
#include "io_thread.h"
#include "netlink.h"
#include "process.h"
#include "socket.h"
#include "stream.h"

namespace {

/** Microseconds: so small that no sum of two of them and the clock overflows 64 bits of nanoseconds. */
constexpr double kLongest = 1e15;
/** The thread spins for this long, and nothing else of it runs meanwhile. */
constexpr Nanos kLongestPrewake = 1'000'000;

uint32_t IdFrom(const Napi::Value& value) { return Unsigned32From(value, "id"); }

Nanos InstantFrom(const Napi::Value& value, const char* name) {
  const double micros = NumberFrom(value, name);
  if (std::fabs(micros) > kLongest) Refuse(value.Env(), std::string(name) + " is out of range");
  return FromMicros(micros);
}

Nanos DurationFrom(const Napi::Value& value, const char* name) {
  const Nanos duration = InstantFrom(value, name);
  if (duration < 0) Refuse(value.Env(), std::string(name) + " must not be negative");
  return duration;
}

Nanos PeriodFrom(const Napi::Value& value) {
  const Nanos period = InstantFrom(value, "period");
  if (period <= 0) Refuse(value.Env(), "period must be positive");
  return period;
}

Napi::Value NowMicros(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), ToMicros(Now())); }

Napi::Value ErrorText(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), strerror(IntFrom(info[0], "errno")));
}

void Start(const Napi::CallbackInfo& info) {
  if (!info[0].IsFunction()) Refuse(info.Env(), "ready must be a function");
  const Napi::Uint8Array ring = BytesFrom(info[1], "ring");
  if (ring.ByteLength() < 2 * kNetlinkLimit) Refuse(info.Env(), "ring must hold at least 128 KiB");
  const Napi::Object options = ObjectFrom(info[2], "options");
  IoThread::Get().Start(info.Env(), info[0].As<Napi::Function>(), ring, PolicyFrom(options.Get("policy")),
                        IntFrom(options.Get("priority"), "priority"));
}

void Stop(const Napi::CallbackInfo& info) { IoThread::Get().Stop(info.Env()); }

void SetAlarm(const Napi::CallbackInfo& info) { IoThread::Get().Alarm(InstantFrom(info[0], "at")); }

void SetPrewake(const Napi::CallbackInfo& info) {
  const Nanos duration = DurationFrom(info[0], "duration");
  if (duration > kLongestPrewake) Refuse(info.Env(), "duration must not exceed a millisecond");
  IoThread::Get().Prewake(duration);
}

void SetPace(const Napi::CallbackInfo& info) {
  Pace pace;
  pace.fd = IntFrom(info[1], "fd");
  pace.period = PeriodFrom(info[2]);
  pace.next = InstantFrom(info[3], "first");
  pace.ticks = TicksFrom(info[4], pace.fd);
  IoThread::Get().SetPace(IdFrom(info[0]), std::move(pace));
}

Napi::Value Repace(const Napi::CallbackInfo& info) {
  const int fd = IntFrom(info[1], "fd");
  return Napi::Boolean::New(info.Env(), IoThread::Get().Repace(IdFrom(info[0]), TicksFrom(info[2], fd)));
}

void Unpace(const Napi::CallbackInfo& info) { IoThread::Get().Unpace(IdFrom(info[0])); }

void Deadman(const Napi::CallbackInfo& info) {
  const Nanos duration = DurationFrom(info[0], "duration");
  Checked(info.Env(), "fcntl", IoThread::Get().Deadman(duration, IntFrom(info[1], "fd")));
}

/** Maps the whole file; its size says how many slots there are. */
void Ledger(const Napi::CallbackInfo& info) {
  const std::string path = StringFrom(info[0], "path");
  const int fd = Checked(info.Env(), "open", open(path.c_str(), O_RDWR | O_CLOEXEC));
  struct stat status {};
  (void)fstat(fd, &status);
  // An empty file, or what has no size, is EINVAL.
  void* memory = mmap(nullptr, static_cast<size_t>(status.st_size), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  const int failure = errno;
  close(fd);
  if (memory == MAP_FAILED) Fail(info.Env(), "mmap", failure);
  IoThread::Get().Ledger(static_cast<double*>(memory), static_cast<size_t>(status.st_size) / sizeof(double));
}

void Alive(const Napi::CallbackInfo&) { IoThread::Get().Alive(); }

void Settle(const Napi::CallbackInfo&) { IoThread::Get().Settle(); }

ShotPart PartFrom(const Napi::Object& entry) {
  ShotPart part;
  part.fd = IntFrom(entry.Get("fd"), "fd");
  if (entry.Has("datagrams")) {
    part.datagrams = TickFrom(entry.Get("datagrams"), part.fd);
    return part;
  }
  Pace pace;
  pace.fd = part.fd;
  pace.period = PeriodFrom(entry.Get("period"));
  if (entry.Has("first")) pace.next = InstantFrom(entry.Get("first"), "first");
  pace.ticks = TicksFrom(entry.Get("ticks"), pace.fd);
  part.pace_id = IdFrom(entry.Get("pace"));
  part.pace = std::move(pace);
  return part;
}

void SetShot(const Napi::CallbackInfo& info) {
  Shot shot;
  shot.at = InstantFrom(info[1], "at");
  const Napi::Array parts = ArrayFrom(info[2], "parts");
  for (uint32_t i = 0; i < parts.Length(); i++) shot.parts.push_back(PartFrom(ObjectFrom(parts.Get(i), "part")));
  IoThread::Get().SetShot(IdFrom(info[0]), std::move(shot));
}

Napi::Value MoveShot(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), IoThread::Get().MoveShot(IdFrom(info[0]), InstantFrom(info[1], "at")));
}

/** What is refused at once is thrown; everything else the thread tells. */
void Dial(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const uint32_t id = IdFrom(info[0]);
  const std::string to = StringFrom(info[1], "address");
  const int port = static_cast<int>(RangeFrom(info[2], "port", 0, UINT16_MAX));
  const Nanos timeout = DurationFrom(info[3], "timeout");
  Address address = AddressFrom(env, to, port, 0);
  const int family = address.storage.ss_family;
  uint32_t scope = 0;
  Descriptor fd(info[4].IsUndefined()
                    ? Checked(env, "socket", socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))
                    : StreamSocket(env, family, ObjectFrom(info[4], "options"), scope));
  if (family == AF_INET6) reinterpret_cast<sockaddr_in6&>(address.storage).sin6_scope_id = scope;
  if (connect(fd.get(), address.get(), address.length) < 0 && errno != EINPROGRESS && errno != EINTR)
    Fail(env, "connect", errno);
  const int refused = IoThread::Get().Dial(id, fd.get(), Now() + timeout);
  if (refused != 0) Fail(env, "dial", refused);
  fd.release();
}

Napi::Value HangUp(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), IoThread::Get().HangUp(IdFrom(info[0])));
}

Napi::Value Disarm(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), IoThread::Get().Disarm(IdFrom(info[0])));
}

template <typename Method>
void Export(Napi::Object& exports, const char* name, Method method) {
  exports.Set(name, Napi::Function::New(exports.Env(), method, name));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  Export(exports, "now", NowMicros);
  Export(exports, "errorText", ErrorText);
  Export(exports, "start", Start);
  Export(exports, "stop", Stop);
  Export(exports, "alarm", SetAlarm);
  Export(exports, "prewake", SetPrewake);
  Export(exports, "pace", SetPace);
  Export(exports, "repace", Repace);
  Export(exports, "unpace", Unpace);
  Export(exports, "deadman", Deadman);
  Export(exports, "alive", Alive);
  Export(exports, "ledger", Ledger);
  Export(exports, "settle", Settle);
  Export(exports, "shot", SetShot);
  Export(exports, "moveShot", MoveShot);
  Export(exports, "disarm", Disarm);
  Export(exports, "rawSocket", RawSocket);
  Export(exports, "packetSocket", PacketSocket);
  Export(exports, "datagramSocket", DatagramSocket);
  Export(exports, "netlinkSocket", NetlinkSocket);
  Export(exports, "tcpSocket", TcpSocket);
  Export(exports, "dial", Dial);
  Export(exports, "hangUp", HangUp);
  Export(exports, "filter", Filter);
  Export(exports, "watch", Watch);
  Export(exports, "unwatch", Unwatch);
  Export(exports, "close", Close);
  Export(exports, "send", Send);
  Export(exports, "request", Request);
  Export(exports, "collect", Collect);
  Export(exports, "dump", Dump);
  Export(exports, "inotify", Inotify);
  Export(exports, "inotifyAdd", InotifyAdd);
  Export(exports, "inotifyRemove", InotifyRemove);
  Export(exports, "linkFlags", LinkFlags);
  Export(exports, "linkDetected", LinkDetected);
  Export(exports, "linkRegister", LinkRegister);
  Export(exports, "spawn", Spawn);
  Export(exports, "stopped", Stopped);
  Export(exports, "setScheduling", SetScheduling);
  Export(exports, "setNice", SetNice);
  Export(exports, "setAffinity", SetAffinity);
  Export(exports, "setName", SetName);
  Export(exports, "setArguments", SetArguments);
  Export(exports, "lockMemory", LockMemory);
  Export(exports, "openMemory", OpenMemory);
  Export(exports, "setLimit", SetLimit);
  Export(exports, "enterNamespace", EnterNamespace);
  Export(exports, "parentDeathSignal", ParentDeathSignal);
  Export(exports, "childSubreaper", ChildSubreaper);
  Export(exports, "newSession", NewSession);
  Export(exports, "catchSignal", CatchSignal);
  Export(exports, "shrugSignal", ShrugSignal);
  Export(exports, "relaySignal", RelaySignal);
  Export(exports, "capabilities", Capabilities);
  Export(exports, "openLocked", OpenLocked);
  Export(exports, "makeFifo", MakeFifo);
  Export(exports, "syslog", Syslog);
  Export(exports, "sendLocal", SendLocal);
  Export(exports, "dropText", DropText);
  return exports;
}

}  // namespace

NODE_API_MODULE(keepalived, Init)
