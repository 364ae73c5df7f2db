// Process controls that Node lacks: scripts with their own process group and death signal, scheduling by thread,
// identity, limits, namespaces, locked pid files, and a syslog that never blocks.
#pragma once

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "socket.h"

// ---- scripts

struct SpawnPlan {
  std::string file;
  std::vector<std::string> arguments, environment;
  std::string directory;
  uid_t uid;
  gid_t gid;
  std::vector<gid_t> groups;
  bool change_groups;
  mode_t umask;
  int death_signal;
  pid_t parent;
  std::optional<int> nice;
};

/** The nice value that the daemon was started with, once it has given itself another. */
inline std::optional<int>& OriginalNice() {
  static std::optional<int> nice;
  return nice;
}

inline std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/**
 * Runs between fork and exec, in a copy of the parent's memory in which other threads may have held any lock: it only makes
 * system calls, raw where glibc's wrapper would do more. Returns what failed as errno; `tell` is then where to say it.
 */
inline int Become(const SpawnPlan& plan, char** arguments, char** environment, int& tell) {
  setpgid(0, 0);
  sched_param none{};
  syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &none);
  if (plan.nice) setpriority(PRIO_PROCESS, 0, *plan.nice);
  for (int signal = 1; signal < NSIG; signal++)
    if (signal != SIGKILL && signal != SIGSTOP) ::signal(signal, SIG_DFL);
  const int null = open("/dev/null", O_RDWR);
  if (null < 0) return errno;
  for (int fd = 0; fd < 3; fd++)
    if (dup2(null, fd) < 0) return errno;
  // The first number that is no standard one, and none if it is run.
  if (tell != 3) {
    if (dup3(tell, 3, O_CLOEXEC) < 0) return errno;
    tell = 3;
  }
  syscall(SYS_close_range, 4u, ~0u, 0u);
  if (plan.change_groups && syscall(SYS_setgroups, plan.groups.size(), plan.groups.data()) < 0) return errno;
  if (plan.gid != getegid() && syscall(SYS_setresgid, plan.gid, plan.gid, plan.gid) < 0) return errno;
  if (plan.uid != geteuid() && syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid) < 0) return errno;
  // After the change of user, which clears it.
  if (plan.death_signal != 0) {
    if (prctl(PR_SET_PDEATHSIG, plan.death_signal) < 0) return errno;
    if (getppid() != plan.parent) return ESRCH;
  }
  ::umask(plan.umask);
  if (!plan.directory.empty() && chdir(plan.directory.c_str()) < 0) return errno;
  sigset_t nothing;
  sigemptyset(&nothing);
  sigprocmask(SIG_SETMASK, &nothing, nullptr);
  execve(plan.file.c_str(), arguments, environment);
  return errno;
}

/** 0 is no signal. */
inline int SignalFrom(const Napi::Value& value, const char* name) {
  return static_cast<int>(RangeFrom(value, name, 0, NSIG - 1));
}

/** The highest number means "leave it as it is" to the kernel: a script must not stay root that way. */
inline uint32_t IdentityFrom(const Napi::Value& value, const char* name) {
  return static_cast<uint32_t>(RangeFrom(value, name, 0, UINT32_MAX - 1));
}

inline SpawnPlan PlanFrom(const Napi::Object& options) {
  SpawnPlan plan{};
  plan.file = StringFrom(options.Get("file"), "file");
  plan.arguments = StringsFrom(options.Get("arguments"), "arguments");
  plan.environment = StringsFrom(options.Get("environment"), "environment");
  if (options.Has("directory")) plan.directory = StringFrom(options.Get("directory"), "directory");
  plan.uid = options.Has("uid") ? IdentityFrom(options.Get("uid"), "uid") : geteuid();
  plan.gid = options.Has("gid") ? IdentityFrom(options.Get("gid"), "gid") : getegid();
  plan.change_groups = options.Has("groups");
  if (plan.change_groups) {
    const Napi::Array groups = ArrayFrom(options.Get("groups"), "groups");
    for (uint32_t i = 0; i < groups.Length(); i++) plan.groups.push_back(IdentityFrom(groups.Get(i), "groups"));
  }
  plan.umask = options.Has("umask") ? static_cast<mode_t>(RangeFrom(options.Get("umask"), "umask", 0, 0777)) : 0177;
  plan.death_signal = options.Has("deathSignal") ? SignalFrom(options.Get("deathSignal"), "deathSignal") : 0;
  plan.parent = getpid();
  plan.nice = OriginalNice();
  return plan;
}

inline void Reap(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

[[noreturn]] inline void Disown(Napi::Env env, pid_t pid, const char* syscall, int error) {
  kill(-pid, SIGKILL);
  Reap(pid);
  Fail(env, syscall, error);
}

/** fork() would first wait for glibc's locks, whoever has them: nothing in the copy needs them. */
inline pid_t Copy() {
#ifdef SYS_fork
  return static_cast<pid_t>(syscall(SYS_fork));
#else
  // Younger machines do not have it, and clone() has the same order of arguments on all of them.
  return static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
#endif
}

/**
 * Starts a program in a process group of its own and the session of the daemon; its end becomes a record, and why it could not
 * be run a part of that. Not vfork: a program that a disk has to be asked for would hold this thread up until it has come.
 */
inline Napi::Value Spawn(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  SpawnPlan plan = PlanFrom(ObjectFrom(info[0], "options"));
  std::vector<char*> arguments = Pointers(plan.arguments);
  std::vector<char*> environment = Pointers(plan.environment);
  int ends[2];
  Checked(env, "pipe2", pipe2(ends, O_CLOEXEC | O_NONBLOCK));
  Descriptor refusal(ends[0]), telling(ends[1]);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = Copy();
  if (pid == 0) {
    int tell = telling.get();
    const int failure = Become(plan, arguments.data(), environment.data(), tell);
    (void)!write(tell, &failure, sizeof failure);
    _exit(127);
  }
  const int refused = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) Fail(env, "fork", refused);
  Descriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  // A child whose end nobody would hear of does not stay.
  if (pidfd.get() < 0) Disown(env, pid, "pidfd_open", errno);
  if (IoThread::Get().WatchProcess(pidfd.get(), pid, refusal.get()) < 0) Disown(env, pid, "epoll_ctl", errno);
  pidfd.release();
  refusal.release();
  return Napi::Number::New(env, pid);
}

inline Napi::Value Stopped(const Napi::CallbackInfo& info) {
  siginfo_t state{};
  const auto pid = static_cast<id_t>(IntFrom(info[0], "pid"));
  Checked(info.Env(), "waitid", waitid(P_PID, pid, &state, WSTOPPED | WNOHANG | WNOWAIT));
  return Napi::Boolean::New(info.Env(), state.si_pid != 0 && state.si_code == CLD_STOPPED);
}

// ---- scheduling and limits

inline int PolicyFrom(const Napi::Value& value) {
  const std::string policy = StringFrom(value, "policy");
  if (policy == "rr") return SCHED_RR;
  if (policy == "fifo") return SCHED_FIFO;
  if (policy == "other") return SCHED_OTHER;
  Refuse(value.Env(), "policy must be rr, fifo or other");
}

/** `thread` is a thread id, 0 the calling one: never the whole process, for V8's helpers must stay below. */
inline void SetScheduling(const Napi::CallbackInfo& info) {
  const int thread = IntFrom(info[0], "thread");
  int policy = PolicyFrom(info[1]);
  sched_param parameter{};
  parameter.sched_priority = IntFrom(info[2], "priority");
  if (FlagFrom(info[3], "resetOnFork")) policy |= SCHED_RESET_ON_FORK;
  Checked(info.Env(), "sched_setscheduler", sched_setscheduler(thread, policy, &parameter));
}

inline void SetNice(const Napi::CallbackInfo& info) {
  const int nice = IntFrom(info[0], "nice");
  const int before = getpriority(PRIO_PROCESS, 0);
  Checked(info.Env(), "setpriority", setpriority(PRIO_PROCESS, 0, nice));
  if (!OriginalNice()) OriginalNice() = before;
}

inline void SetAffinity(const Napi::CallbackInfo& info) {
  const Napi::Array cpus = ArrayFrom(info[0], "cpus");
  cpu_set_t set;
  CPU_ZERO(&set);
  for (uint32_t i = 0; i < cpus.Length(); i++) {
    const int cpu = IntFrom(cpus.Get(i), "cpu");
    if (cpu < 0 || cpu >= CPU_SETSIZE) Refuse(info.Env(), "cpu is out of range");
    CPU_SET(static_cast<size_t>(cpu), &set);
  }
  Checked(info.Env(), "sched_setaffinity", sched_setaffinity(0, sizeof set, &set));
}

/**
 * Keeps the program, its libraries, the native heap and the stack in memory, each page once it is used. Not mlockall:
 * V8 gives pages back with MADV_DONTNEED, which the kernel refuses for locked memory, and aborts when that fails.
 */
inline void LockMemory(const Napi::CallbackInfo& info) {
  std::ifstream maps("/proc/self/maps");
  std::string line;
  while (std::getline(maps, line)) {
    char path[512] = "";
    unsigned long from = 0, to = 0;
    if (sscanf(line.c_str(), "%lx-%lx %*s %*s %*s %*s %511s", &from, &to, path) < 3) continue;
    if (path[0] != '/' && strcmp(path, "[heap]") != 0 && strcmp(path, "[stack]") != 0) continue;
    Checked(info.Env(), "mlock2", mlock2(reinterpret_cast<void*>(from), to - from, MLOCK_ONFAULT));
  }
}

/** A file without a name that no disk ever sees, for this user only; closed at exec. */
inline Napi::Value OpenMemory(const Napi::CallbackInfo& info) {
  Descriptor fd(Checked(info.Env(), "memfd_create", memfd_create("keepalived", MFD_CLOEXEC)));
  Checked(info.Env(), "fchmod", fchmod(fd.get(), S_IRUSR | S_IWUSR));
  return Napi::Number::New(info.Env(), fd.release());
}

inline void SetLimit(const Napi::CallbackInfo& info) {
  const auto number = [](const Napi::Value& value, const char* name) -> rlim64_t {
    const double limit = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
    if (limit == HUGE_VAL) return RLIM64_INFINITY;
    return static_cast<rlim64_t>(RangeFrom(value, name, 0, INT64_MAX));
  };
  const int resource = IntFrom(info[0], "resource");
  const rlimit64 limit{number(info[1], "soft"), number(info[2], "hard")};
  Checked(info.Env(), "prlimit", syscall(SYS_prlimit64, 0, resource, &limit, nullptr));
}

inline Napi::Value Capabilities(const Napi::CallbackInfo& info) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  Checked(info.Env(), "capget", syscall(SYS_capget, &header, data));
  return Napi::BigInt::New(info.Env(), (static_cast<uint64_t>(data[1].effective) << 32) | data[0].effective);
}

// ---- identity

inline void SetName(const Napi::CallbackInfo& info) {
  const std::string name = StringFrom(info[0], "name");
  Checked(info.Env(), "prctl", prctl(PR_SET_NAME, name.c_str()));
}

/**
 * Writes the words over the memory that ps reads. It always fits, for what was there names the interpreter too;
 * libuv works with a copy, so process.argv stays as it is.
 */
inline void SetArguments(const Napi::CallbackInfo& info) {
  const std::vector<std::string> words = StringsFrom(info[0], "words");
  std::ifstream file("/proc/self/stat");
  std::string stat((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) Fail(info.Env(), "read", EIO);
  std::istringstream fields(stat.substr(name_end + 2));
  std::string field;
  uintptr_t start = 0, end = 0;
  // The first field here is number 3; arg_start and arg_end are 48 and 49.
  for (int number = 3; fields >> field; number++) {
    if (number == 48) start = std::stoull(field);
    if (number == 49) end = std::stoull(field);
  }
  if (start == 0 || end <= start) Fail(info.Env(), "read", EPERM);
  std::string text;
  for (const std::string& word : words) text += word + '\0';
  auto* area = reinterpret_cast<char*>(start);
  const size_t size = end - start;
  memset(area, 0, size);
  memcpy(area, text.data(), std::min(text.size(), size - 1));
}

inline void EnterNamespace(const Napi::CallbackInfo& info) {
  const std::string path = StringFrom(info[0], "path");
  Descriptor fd(Checked(info.Env(), "open", open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  Checked(info.Env(), "setns", setns(fd.get(), IntFrom(info[1], "type")));
}

inline void ParentDeathSignal(const Napi::CallbackInfo& info) {
  Checked(info.Env(), "prctl", prctl(PR_SET_PDEATHSIG, SignalFrom(info[0], "signal")));
}

inline void ChildSubreaper(const Napi::CallbackInfo& info) {
  Checked(info.Env(), "prctl", prctl(PR_SET_CHILD_SUBREAPER, 1));
}

inline void NewSession(const Napi::CallbackInfo& info) { Checked(info.Env(), "setsid", setsid()); }

// ---- signals that Node cannot handle

inline int& SignalPipe() {
  static int pipe = -1;
  return pipe;
}

inline void WriteSignal(int number) {
  const int saved = errno;
  const auto byte = static_cast<uint8_t>(number);
  (void)!write(SignalPipe(), &byte, 1);
  errno = saved;
}

inline void CatchSignal(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int number = SignalFrom(info[0], "signal");
  if (SignalPipe() < 0) {
    int ends[2];
    Checked(env, "pipe2", pipe2(ends, O_NONBLOCK | O_CLOEXEC));
    Descriptor reader(ends[0]), writer(ends[1]);
    Checked(env, "epoll_ctl", IoThread::Get().WatchSignals(reader.get()));
    reader.release();
    SignalPipe() = writer.release();
  }
  struct sigaction action {};
  action.sa_handler = WriteSignal;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  Checked(env, "sigaction", sigaction(number, &action, nullptr));
}

inline void ShrugAtSignal(int) {}

/** A handler and not SIG_IGN, which programs that are started would inherit. */
inline void ShrugSignal(const Napi::CallbackInfo& info) {
  const int number = SignalFrom(info[0], "signal");
  struct sigaction action {};
  Checked(info.Env(), "sigaction", sigaction(number, nullptr, &action));
  if (action.sa_handler != SIG_DFL) return;
  action.sa_handler = ShrugAtSignal;
  action.sa_flags = SA_RESTART;
  Checked(info.Env(), "sigaction", sigaction(number, &action, nullptr));
}

/** A signal that goes on to another process before this one's own handler has its turn. */
struct Relay {
  std::atomic<int> target{-1};
  struct sigaction own {};
  bool installed = false;
};

inline Relay& RelayOf(int number) {
  static Relay relays[_NSIG];
  return relays[number];
}

inline void PassOn(int number, siginfo_t* info, void* context) {
  const int saved = errno;
  Relay& relay = RelayOf(number);
  // A descriptor of the process: its number cannot have become another's.
  const int target = relay.target.load();
  if (target >= 0) syscall(SYS_pidfd_send_signal, target, number, nullptr, 0);
  errno = saved;
  if ((relay.own.sa_flags & SA_SIGINFO) != 0)
    relay.own.sa_sigaction(number, info, context);
  else
    relay.own.sa_handler(number);
}

/** From the handler itself, so that it does not wait for JavaScript. Pid 0 ends it. */
inline void RelaySignal(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int number = SignalFrom(info[0], "signal");
  const auto pid = static_cast<pid_t>(RangeFrom(info[1], "pid", 0, INT32_MAX));
  Relay& relay = RelayOf(number);
  Descriptor next(pid == 0 ? -1 : Checked(env, "pidfd_open", static_cast<int>(syscall(SYS_pidfd_open, pid, 0))));
  if (!relay.installed && pid != 0) {
    Checked(env, "sigaction", sigaction(number, nullptr, &relay.own));
    const bool handled = (relay.own.sa_flags & SA_SIGINFO) != 0 ||
                         (relay.own.sa_handler != SIG_DFL && relay.own.sa_handler != SIG_IGN);
    if (!handled) Fail(env, "sigaction", EINVAL);
    struct sigaction action = relay.own;
    action.sa_flags |= SA_SIGINFO;
    action.sa_sigaction = PassOn;
    Checked(env, "sigaction", sigaction(number, &action, nullptr));
    relay.installed = true;
  }
  const int before = relay.target.exchange(next.release());
  if (before >= 0) close(before);
}

// ---- files and log

constexpr int kOpenAttempts = 100;

/** Held locks belong to the open file: they vanish with the process, so a stale pid file never stands in the way. */
inline Napi::Value OpenLocked(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = StringFrom(info[0], "path");
  const auto mode = static_cast<mode_t>(RangeFrom(info[1], "mode", 0, 07777));
  for (int attempt = 0; attempt < kOpenAttempts; attempt++) {
    Descriptor fd(
        Checked(env, "open", open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode)));
    Checked(env, "flock", flock(fd.get(), LOCK_EX | LOCK_NB));
    // Its last holder may have removed the file between the two calls: a lock on a file without a name locks nothing.
    struct stat held {}, named {};
    Checked(env, "fstat", fstat(fd.get(), &held));
    if (lstat(path.c_str(), &named) < 0 || held.st_ino != named.st_ino || held.st_dev != named.st_dev) continue;
    // The umask had its say in open(); the mode asked for is the one wanted.
    Checked(env, "fchmod", fchmod(fd.get(), mode));
    return Napi::Number::New(env, fd.release());
  }
  Fail(env, "open", EBUSY);
}

inline void MakeFifo(const Napi::CallbackInfo& info) {
  const std::string path = StringFrom(info[0], "path");
  const auto mode = static_cast<mode_t>(RangeFrom(info[1], "mode", 0, 07777));
  Checked(info.Env(), "mkfifo", mkfifo(path.c_str(), mode));
}

inline int ConnectLog() {
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, "/dev/log", sizeof address.sun_path - 1);
  if (fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
    close(fd);
    return -1;
  }
  return fd;
}

inline Napi::Value Syslog(const Napi::CallbackInfo& info) {
  static int fd = -1;
  const std::string line = "<" + std::to_string(IntFrom(info[0], "priority")) + ">" + StringFrom(info[1], "line");
  // A restarted syslog daemon has a new socket: one more try with a new connection.
  for (int attempt = 0; attempt < 2; attempt++) {
    if (fd < 0) fd = ConnectLog();
    if (fd < 0) break;
    if (send(fd, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return Napi::Boolean::New(info.Env(), true);
    if (errno == EAGAIN || errno == ENOBUFS) break;
    close(fd);
    fd = -1;
  }
  return Napi::Boolean::New(info.Env(), false);
}

/** One datagram to a UNIX socket; a path that begins with @ is in the abstract namespace. */
inline void SendLocal(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = StringFrom(info[0], "path");
  const Napi::Uint8Array bytes = BytesFrom(info[1], "bytes");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) Fail(env, "sendto", ENAMETOOLONG);
  memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') address.sun_path[0] = 0;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  Descriptor fd(Checked(env, "socket", socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)));
  Checked(env, "sendto",
          sendto(fd.get(), bytes.Data(), bytes.ByteLength(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address), length));
}

// ---- memory

/** One mapping in /proc/self/smaps. */
struct Mapping {
  uintptr_t start = 0, end = 0;
  size_t resident = 0;
  bool droppable = false;
};

/** Kilobytes given back. Only pages that the file can give again: nothing changed, nothing of it in swap. */
inline size_t DropMapping(const Mapping& mapping) {
  if (!mapping.droppable || mapping.resident == 0) return 0;
  const int refused = madvise(reinterpret_cast<void*>(mapping.start), mapping.end - mapping.start, MADV_DONTNEED);
  return refused == 0 ? mapping.resident : 0;
}

/**
 * Gives clean pages of the executable back; what runs again is read from the page cache. Libraries and the addon stay:
 * they are small, and the I/O thread, which runs nothing else, must not wait for a page in the middle of a shot.
 */
inline Napi::Value DropText(const Napi::CallbackInfo& info) {
  char executable[512] = "";
  (void)!readlink("/proc/self/exe", executable, sizeof executable - 1);
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  Mapping mapping;
  size_t dropped = 0;
  while (std::getline(maps, line)) {
    char permissions[5] = "";
    char path[512] = "";
    unsigned long from = 0, to = 0, kilobytes = 0;
    if (sscanf(line.c_str(), "%lx-%lx %4s %*s %*s %*s %511s", &from, &to, permissions, path) >= 3) {
      dropped += DropMapping(mapping);
      mapping = {from, to, 0, permissions[1] == '-' && permissions[3] == 'p' && strcmp(path, executable) == 0};
    } else if (sscanf(line.c_str(), "Rss: %lu kB", &kilobytes) == 1) {
      mapping.resident = kilobytes;
    } else if ((sscanf(line.c_str(), "Private_Dirty: %lu kB", &kilobytes) == 1 ||
                sscanf(line.c_str(), "Anonymous: %lu kB", &kilobytes) == 1 ||
                sscanf(line.c_str(), "Swap: %lu kB", &kilobytes) == 1) &&
               kilobytes > 0) {
      mapping.droppable = false;
    }
  }
  dropped += DropMapping(mapping);
  return Napi::Number::New(info.Env(), static_cast<double>(dropped));
}
