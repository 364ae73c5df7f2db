// Sockets: raw IP with everything a routing daemon asks for, and packet sockets for whole Ethernet frames.
// A descriptor is a plain number in JavaScript; close() gives it back.
#pragma once

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>

#include "io_thread.h"

/** A descriptor that closes itself unless it is released to JavaScript. */
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_;
};

template <typename T>
void SetOption(Napi::Env env, int fd, int level, int name, const T& value) {
  Checked(env, "setsockopt", setsockopt(fd, level, name, &value, sizeof value));
}

/** As large as asked for where the program may, as large as the system allows otherwise. */
inline void SetReceiveBuffer(Napi::Env env, int fd, int bytes) {
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
    SetOption(env, fd, SOL_SOCKET, SO_RCVBUF, bytes);
}

/** Replaces the socket's filter by a classic BPF program in one step; the kernel checks the program. */
inline void Attach(Napi::Env env, int fd, const Napi::Uint8Array& bytes) {
  // The array may lie anywhere, instructions may not.
  std::vector<sock_filter> instructions(bytes.ByteLength() / sizeof(sock_filter));
  if (!instructions.empty()) memcpy(instructions.data(), bytes.Data(), instructions.size() * sizeof(sock_filter));
  const sock_fprog program = {static_cast<unsigned short>(instructions.size()), instructions.data()};
  SetOption(env, fd, SOL_SOCKET, SO_ATTACH_FILTER, program);
}

inline Napi::Uint8Array ProgramFrom(const Napi::Value& value) {
  const Napi::Uint8Array bytes = BytesFrom(value, "program");
  const size_t size = bytes.ByteLength();
  if (size % sizeof(sock_filter) != 0 || size > BPF_MAXINSNS * sizeof(sock_filter))
    Refuse(value.Env(), "program must be up to 4096 instructions of 8 bytes");
  return bytes;
}

/** No program: everything is let through again. */
inline void Filter(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = IntFrom(info[0], "fd");
  const Napi::Uint8Array program = ProgramFrom(info[1]);
  if (program.ByteLength() > 0) return Attach(env, fd, program);
  const int ignored = 0;
  if (setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &ignored, sizeof ignored) < 0 && errno != ENOENT)
    Fail(env, "setsockopt", errno);
}

/** A socket that only sends would otherwise queue every packet of its protocol. */
inline void DropAll(Napi::Env env, int fd) {
  sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
  sock_fprog program = {1, &drop};
  SetOption(env, fd, SOL_SOCKET, SO_ATTACH_FILTER, program);
}

inline void ConfigureIpv4(Napi::Env env, int fd, const Napi::Object& options, uint32_t index, const std::string& group) {
  const int on = 1, off = 0;
  SetOption(env, fd, IPPROTO_IP, IP_MULTICAST_LOOP, off);
  SetOption(env, fd, IPPROTO_IP, IP_MULTICAST_ALL, off);
  SetOption(env, fd, IPPROTO_IP, IP_PKTINFO, on);
  SetOption(env, fd, IPPROTO_IP, IP_RECVTTL, on);
  if (options.Get("header").ToBoolean()) SetOption(env, fd, IPPROTO_IP, IP_HDRINCL, on);
  if (options.Has("hopLimit")) {
    const int ttl = IntFrom(options.Get("hopLimit"), "hopLimit");
    SetOption(env, fd, IPPROTO_IP, IP_TTL, ttl);
    SetOption(env, fd, IPPROTO_IP, IP_MULTICAST_TTL, ttl);
  }
  ip_mreqn membership{};
  membership.imr_ifindex = static_cast<int>(index);
  if (index > 0) SetOption(env, fd, IPPROTO_IP, IP_MULTICAST_IF, membership);
  if (group.empty()) return;
  if (inet_pton(AF_INET, group.c_str(), &membership.imr_multiaddr) != 1) Refuse(env, "not an IPv4 group: " + group);
  SetOption(env, fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership);
}

inline void ConfigureIpv6(Napi::Env env, int fd, const Napi::Object& options, uint32_t index, const std::string& group) {
  const int on = 1, off = 0;
  SetOption(env, fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, off);
#ifdef IPV6_MULTICAST_ALL
  SetOption(env, fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, off);
#endif
  SetOption(env, fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, on);
  SetOption(env, fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, on);
  const int traffic_class = IPTOS_CLASS_CS6;
  SetOption(env, fd, IPPROTO_IPV6, IPV6_TCLASS, traffic_class);
  if (options.Has("hopLimit")) {
    const int hops = IntFrom(options.Get("hopLimit"), "hopLimit");
    SetOption(env, fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops);
    SetOption(env, fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops);
  }
  const int interface = static_cast<int>(index);
  if (index > 0) SetOption(env, fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, interface);
  if (group.empty()) return;
  ipv6_mreq membership{};
  membership.ipv6mr_interface = index;
  if (inet_pton(AF_INET6, group.c_str(), &membership.ipv6mr_multiaddr) != 1) Refuse(env, "not an IPv6 group: " + group);
  SetOption(env, fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, membership);
}

/** Binds to `device` where it is named; its index, which is the scope of link-local addresses, or 0. */
inline uint32_t BindToDevice(Napi::Env env, int fd, const Napi::Object& options) {
  if (!options.Has("device")) return 0;
  const std::string device = StringFrom(options.Get("device"), "device");
  // The kernel would cut a longer name off and bind to another device.
  if (device.empty() || device.size() >= IFNAMSIZ) Refuse(env, "device is no interface name: " + device);
  Checked(env, "setsockopt",
          setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device.c_str(), static_cast<socklen_t>(device.size())));
  return if_nametoindex(device.c_str());
}

inline Napi::Value RawSocket(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object options = ObjectFrom(info[0], "options");
  const int family = IntFrom(options.Get("family"), "family");
  if (family != 4 && family != 6) Refuse(env, "family must be 4 or 6");
  const int protocol = IntFrom(options.Get("protocol"), "protocol");
  const uint32_t index = options.Has("index") ? static_cast<uint32_t>(IntFrom(options.Get("index"), "index")) : 0;
  const std::string group = options.Has("group") ? StringFrom(options.Get("group"), "group") : "";

  Descriptor fd(Checked(env, "socket",
                        socket(family == 4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)));
  const int on = 1, control = 6;
  // First of all: the kernel queues packets for the socket from its creation on.
  if (options.Has("filter")) Attach(env, fd.get(), ProgramFrom(options.Get("filter")));
  SetOption(env, fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, on);
  SetOption(env, fd.get(), SOL_SOCKET, SO_PRIORITY, control);
  if (options.Has("receive") && !options.Get("receive").ToBoolean()) DropAll(env, fd.get());
  BindToDevice(env, fd.get(), options);
  if (options.Has("receiveBuffer"))
    SetReceiveBuffer(env, fd.get(), IntFrom(options.Get("receiveBuffer"), "receiveBuffer"));
  (family == 4 ? ConfigureIpv4 : ConfigureIpv6)(env, fd.get(), options, index, group);
  if (options.Has("source")) {
    // The address may come later than the daemon.
    if (family == 4) SetOption(env, fd.get(), IPPROTO_IP, IP_FREEBIND, on);
    else SetOption(env, fd.get(), IPPROTO_IPV6, IPV6_FREEBIND, on);
    Address address = AddressFrom(env, StringFrom(options.Get("source"), "source"), 0, index);
    Checked(env, "bind", bind(fd.get(), address.get(), address.length));
  }
  return Napi::Number::New(env, fd.release());
}

/** Sends whole Ethernet frames on one interface and receives nothing. */
inline Napi::Value PacketSocket(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int index = IntFrom(info[0], "index");
  Descriptor fd(Checked(env, "socket", socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = index;
  Checked(env, "bind", bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
  return Napi::Number::New(env, fd.release());
}

/** An array of { to?, bytes }; link-local destinations get the scope of the socket's device. */
inline Tick TickFrom(const Napi::Value& value, int fd) {
  const Napi::Env env = value.Env();
  const Napi::Array array = ArrayFrom(value, "datagrams");
  // The scope is looked up once for all, and only where an IPv6 destination is named.
  std::optional<uint32_t> scope;
  Tick tick;
  tick.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); i++) {
    const Napi::Object entry = ObjectFrom(array.Get(i), "datagram");
    const Napi::Uint8Array bytes = BytesFrom(entry.Get("bytes"), "bytes");
    Datagram datagram;
    datagram.bytes.assign(bytes.Data(), bytes.Data() + bytes.ByteLength());
    const Napi::Value to = entry.Get("to");
    if (!to.IsUndefined()) {
      const std::string text = StringFrom(to, "to");
      if (!scope && text.find(':') != std::string::npos) {
        char device[IFNAMSIZ] = "";
        socklen_t length = sizeof device;
        getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &length);
        scope = device[0] == '\0' ? 0 : if_nametoindex(device);
      }
      datagram.to = AddressFrom(env, text, 0, scope.value_or(0));
    }
    tick.push_back(std::move(datagram));
  }
  return tick;
}

inline std::vector<Tick> TicksFrom(const Napi::Value& value, int fd) {
  const Napi::Array array = ArrayFrom(value, "ticks");
  if (array.Length() == 0) Refuse(value.Env(), "ticks must not be empty");
  std::vector<Tick> ticks;
  for (uint32_t i = 0; i < array.Length(); i++) ticks.push_back(TickFrom(array.Get(i), fd));
  return ticks;
}

inline Napi::Value Send(const Napi::CallbackInfo& info) {
  const int fd = IntFrom(info[0], "fd");
  Tick tick = TickFrom(info[1], fd);
  const int failure = SendAll(fd, tick);
  if (failure != 0) Fail(info.Env(), "sendmmsg", failure);
  return Napi::Number::New(info.Env(), static_cast<double>(tick.size()));
}

inline int SocketOption(Napi::Env env, int fd, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  Checked(env, "getsockopt", getsockopt(fd, SOL_SOCKET, name, &value, &length));
  return value;
}

inline void Watch(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = IntFrom(info[0], "fd");
  const int type = SocketOption(env, fd, SO_TYPE);
  // A stream says "closed" for ever, and the thread would turn in circles at real-time priority.
  if (type != SOCK_RAW && type != SOCK_DGRAM) Fail(env, "watch", ESOCKTNOSUPPORT);
  const bool netlink = SocketOption(env, fd, SO_DOMAIN) == AF_NETLINK;
  Checked(env, "epoll_ctl", IoThread::Get().Watch(fd, netlink));
}

inline void Unwatch(const Napi::CallbackInfo& info) {
  const int fd = IntFrom(info[0], "fd");
  if (!IoThread::Get().Unwatch(fd)) Fail(info.Env(), "epoll_ctl", ENOENT);
}

inline void Close(const Napi::CallbackInfo& info) {
  const int fd = IntFrom(info[0], "fd");
  IoThread::Get().Forget(fd);
  Checked(info.Env(), "close", close(fd));
}
