// TCP sockets: what Node's own cannot be told (mark, device) is set before anything is sent. Either libuv connects, reads
// and closes one, or the I/O thread waits for the answer to a connection and closes it. Nothing is received or sent by this file.
#pragma once

#include "socket.h"

/** Unconnected, bound as the options say; `scope` is the index of the device they name. Throws what the kernel refuses. */
inline int StreamSocket(Napi::Env env, int family, const Napi::Object& options, uint32_t& scope) {
  const int port = options.Has("sourcePort")
                       ? static_cast<int>(RangeFrom(options.Get("sourcePort"), "sourcePort", 0, UINT16_MAX))
                       : 0;

  Descriptor fd(Checked(env, "socket", socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)));
  const int on = 1;
  // Before the device and the address: both are looked up in the routes that the mark selects.
  if (options.Has("mark")) SetOption(env, fd.get(), SOL_SOCKET, SO_MARK, Unsigned32From(options.Get("mark"), "mark"));
  scope = BindToDevice(env, fd.get(), options);
  if (!options.Has("source") && port == 0) return fd.release();
  // The port is free again before the last connection from it has been forgotten.
  if (port != 0) SetOption(env, fd.get(), SOL_SOCKET, SO_REUSEADDR, on);
  // Without it each socket takes one of the system's few ports for all destinations together.
  else SetOption(env, fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, on);
  const std::string any = family == AF_INET ? "0.0.0.0" : "::";
  const std::string source = options.Has("source") ? StringFrom(options.Get("source"), "source") : any;
  Address address = AddressFrom(env, source, port, scope);
  if (address.storage.ss_family != family) Refuse(env, "source is of the other family: " + source);
  Checked(env, "bind", bind(fd.get(), address.get(), address.length));
  return fd.release();
}

/** The caller hands it to libuv, which owns it then. */
inline Napi::Value TcpSocket(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object options = ObjectFrom(info[0], "options");
  const int family = IntFrom(options.Get("family"), "family");
  if (family != 4 && family != 6) Refuse(env, "family must be 4 or 6");
  uint32_t scope = 0;
  return Napi::Number::New(env, StreamSocket(env, family == 4 ? AF_INET : AF_INET6, options, scope));
}
