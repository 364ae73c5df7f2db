// Connected datagram sockets: UDP, and the kernel's ping sockets. Only what the other end sends comes through one, and
// what the network answers instead of it (port, host, network unreachable) is an error of the socket.
#pragma once

#include "socket.h"

inline int PortFrom(const Napi::Object& options, const char* name) {
  return options.Has(name) ? static_cast<int>(RangeFrom(options.Get(name), name, 0, UINT16_MAX)) : 0;
}

inline Napi::Value DatagramSocket(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object options = ObjectFrom(info[0], "options");
  const int protocol = static_cast<int>(RangeFrom(options.Get("protocol"), "protocol", 1, 255));
  const std::string to = StringFrom(options.Get("to"), "to");
  const int port = PortFrom(options, "port");
  const int family = AddressFrom(env, to, port, 0).storage.ss_family;
  const int source_port = PortFrom(options, "sourcePort");

  Descriptor fd(Checked(env, "socket", socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)));
  const int on = 1;
  // Without it the kernel keeps to itself that a host or a network cannot be reached.
  if (family == AF_INET) SetOption(env, fd.get(), IPPROTO_IP, IP_RECVERR, on);
  else SetOption(env, fd.get(), IPPROTO_IPV6, IPV6_RECVERR, on);
  if (options.Has("mark")) {
    const uint32_t mark = Unsigned32From(options.Get("mark"), "mark");
    SetOption(env, fd.get(), SOL_SOCKET, SO_MARK, mark);
  }
  if (options.Has("receiveBuffer"))
    SetReceiveBuffer(env, fd.get(), IntFrom(options.Get("receiveBuffer"), "receiveBuffer"));
  const uint32_t scope = BindToDevice(env, fd.get(), options);
  if (options.Has("source") || source_port != 0) {
    const std::string any = family == AF_INET ? "0.0.0.0" : "::";
    const std::string source = options.Has("source") ? StringFrom(options.Get("source"), "source") : any;
    // Sockets to different addresses may share a port: each gets what comes from its own.
    if (source_port != 0) SetOption(env, fd.get(), SOL_SOCKET, SO_REUSEADDR, on);
    Address address = AddressFrom(env, source, source_port, scope);
    if (address.storage.ss_family != family) Refuse(env, "source is of another family: " + source);
    Checked(env, "bind", bind(fd.get(), address.get(), address.length));
  }
  Address address = AddressFrom(env, to, port, scope);
  Checked(env, "connect", connect(fd.get(), address.get(), address.length));
  return Napi::Number::New(env, fd.release());
}
