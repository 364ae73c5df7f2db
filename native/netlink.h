// Netlink: a request and its answer in one synchronous call, for the kernel answers within sendmsg.
// Monitor sockets are read by the I/O thread.
#pragma once

#include <linux/netlink.h>
#include <poll.h>

#include "socket.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

/** How long an answer may take; it is always there at once unless the kernel is in trouble. */
constexpr int kAnswerMillis = 2000;

inline Napi::Value NetlinkSocket(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int protocol = IntFrom(info[0], "protocol");
  const uint32_t groups = Unsigned32From(info[1], "groups");
  Descriptor fd(Checked(env, "socket", socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)));
  const int on = 1;
  SetOption(env, fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, on);
  SetOption(env, fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, on);
  SetReceiveBuffer(env, fd.get(), IntFrom(info[2], "receiveBuffer"));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  Checked(env, "bind", bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
  return Napi::Number::New(env, fd.release());
}

/** One recv, waiting at most kAnswerMillis; throws ETIMEDOUT. */
inline ssize_t ReceiveAnswer(Napi::Env env, int fd, std::vector<uint8_t>& buffer) {
  for (;;) {
    const ssize_t length = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (length >= 0) return length;
    if (errno != EAGAIN && errno != EINTR) Fail(env, "recv");
    pollfd wait{fd, POLLIN, 0};
    if (poll(&wait, 1, kAnswerMillis) == 0) Fail(env, "recv", ETIMEDOUT);
  }
}

/** The text of NLMSGERR_ATTR_MSG behind an error message, or ''. */
inline std::string ExtendedAck(const nlmsghdr* header) {
  if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return "";
  const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(header));
  size_t offset = NLMSG_HDRLEN + sizeof(nlmsgerr);
  if ((header->nlmsg_flags & NLM_F_CAPPED) == 0) offset += error->msg.nlmsg_len - NLMSG_HDRLEN;
  const auto* base = reinterpret_cast<const uint8_t*>(header);
  while (offset + NLA_HDRLEN <= header->nlmsg_len) {
    nlattr attribute;
    memcpy(&attribute, base + offset, sizeof attribute);
    if (attribute.nla_len < NLA_HDRLEN || offset + attribute.nla_len > header->nlmsg_len) break;
    if ((attribute.nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG)
      return std::string(reinterpret_cast<const char*>(base + offset + NLA_HDRLEN),
                         strnlen(reinterpret_cast<const char*>(base + offset + NLA_HDRLEN),
                                 attribute.nla_len - NLA_HDRLEN));
    offset += NLA_ALIGN(attribute.nla_len);
  }
  return "";
}

inline void AddRefusal(Napi::Env env, Napi::Array& refusals, const nlmsghdr* header) {
  const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(header));
  if (error->error == 0) return;
  Napi::Object refusal = Napi::Object::New(env);
  const char* code = strerrorname_np(-error->error);
  refusal.Set("sequence", Napi::Number::New(env, header->nlmsg_seq));
  refusal.Set("errno", Napi::Number::New(env, -error->error));
  refusal.Set("code", Napi::String::New(env, code != nullptr ? code : "EUNKNOWN"));
  const std::string text = ExtendedAck(header);
  if (!text.empty()) refusal.Set("message", Napi::String::New(env, text));
  refusals.Set(refusals.Length(), refusal);
}

inline Napi::Value Request(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = IntFrom(info[0], "fd");
  const Napi::Uint8Array messages = BytesFrom(info[1], "messages");
  const uint32_t last = Unsigned32From(info[2], "last");
  Napi::Array refusals = Napi::Array::New(env);
  Checked(env, "send", send(fd, messages.Data(), messages.ByteLength(), MSG_NOSIGNAL));
  std::vector<uint8_t> buffer(kNetlinkLimit);
  for (bool done = false; !done;) {
    auto length = static_cast<int>(ReceiveAnswer(env, fd, buffer));
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(header, static_cast<unsigned>(length));
         header = NLMSG_NEXT(header, length)) {
      if (header->nlmsg_type != NLMSG_ERROR) continue;
      AddRefusal(env, refusals, header);
      done = done || header->nlmsg_seq == last;
    }
  }
  return refusals;
}

/** What came back for messages that a shot sent; never waits. */
inline Napi::Value Collect(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = IntFrom(info[0], "fd");
  Napi::Array refusals = Napi::Array::New(env);
  std::vector<uint8_t> buffer(kNetlinkLimit);
  for (;;) {
    const ssize_t received = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (received < 0) {
      if (errno == EAGAIN) return refusals;
      Fail(env, "recv");
    }
    auto length = static_cast<int>(received);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(header, static_cast<unsigned>(length));
         header = NLMSG_NEXT(header, length))
      if (header->nlmsg_type == NLMSG_ERROR) AddRefusal(env, refusals, header);
  }
}

/** One dump: all messages up to NLMSG_DONE, joined. */
inline Napi::Value Dump(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = IntFrom(info[0], "fd");
  const Napi::Uint8Array message = BytesFrom(info[1], "message");
  Checked(env, "send", send(fd, message.Data(), message.ByteLength(), MSG_NOSIGNAL));
  std::vector<uint8_t> answer;
  std::vector<uint8_t> buffer(kNetlinkLimit);
  for (;;) {
    const auto received = static_cast<int>(ReceiveAnswer(env, fd, buffer));
    int length = received;
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(header, static_cast<unsigned>(length));
         header = NLMSG_NEXT(header, length)) {
      if (header->nlmsg_type == NLMSG_ERROR) {
        const int error = -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
        if (error != 0) Fail(env, "dump", error);
      } else if (header->nlmsg_type == NLMSG_DONE) {
        Napi::Uint8Array bytes = Napi::Uint8Array::New(env, answer.size());
        if (!answer.empty()) memcpy(bytes.Data(), answer.data(), answer.size());
        return bytes;
      } else {
        const auto* start = reinterpret_cast<const uint8_t*>(header);
        answer.insert(answer.end(), start, start + NLMSG_ALIGN(header->nlmsg_len));
      }
    }
  }
}
