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
constexpr int kDumpAttempts = 20;

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

/** Calls `each` for every whole message; offsets stay within the buffer whatever the lengths say. */
template <typename Each>
void ForEachMessage(const uint8_t* bytes, size_t length, Each each) {
  for (size_t offset = 0; length - offset >= NLMSG_HDRLEN;) {
    nlmsghdr header;
    memcpy(&header, bytes + offset, sizeof header);
    if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > length - offset) return;
    each(header, bytes + offset);
    offset += std::min<size_t>(NLMSG_ALIGN(header.nlmsg_len), length - offset);
  }
}

/** Throws away what is left of an exchange that failed: the next one must not read it as its own. */
inline void Flush(int fd) {
  uint8_t byte;
  // ENOBUFS says that something was lost, not that nothing is left.
  while (recv(fd, &byte, sizeof byte, MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR) {
  }
}

[[noreturn]] inline void Abandon(Napi::Env env, int fd, const char* syscall, int error = errno) {
  Flush(fd);
  Fail(env, syscall, error);
}

/** One recv, waiting at most kAnswerMillis; ETIMEDOUT after that. */
inline size_t ReceiveAnswer(Napi::Env env, int fd, std::vector<uint8_t>& buffer) {
  for (;;) {
    const ssize_t length = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (length > 0) return static_cast<size_t>(length);
    // Nothing at all is what a socket says that is no netlink socket and has been shut down.
    if (length == 0) Abandon(env, fd, "recv", EPIPE);
    if (errno != EAGAIN && errno != EINTR) Abandon(env, fd, "recv");
    pollfd wait{fd, POLLIN, 0};
    if (poll(&wait, 1, kAnswerMillis) == 0) Abandon(env, fd, "recv", ETIMEDOUT);
  }
}

/** The text of NLMSGERR_ATTR_MSG behind an error message, or ''. */
inline std::string ExtendedAck(const nlmsghdr& header, const nlmsgerr& error, const uint8_t* message) {
  if ((header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return "";
  size_t offset = NLMSG_HDRLEN + sizeof(nlmsgerr);
  if ((header.nlmsg_flags & NLM_F_CAPPED) == 0 && error.msg.nlmsg_len > NLMSG_HDRLEN)
    offset += NLMSG_ALIGN(error.msg.nlmsg_len) - NLMSG_HDRLEN;
  while (offset + NLA_HDRLEN <= header.nlmsg_len) {
    nlattr attribute;
    memcpy(&attribute, message + offset, sizeof attribute);
    if (attribute.nla_len < NLA_HDRLEN || offset + attribute.nla_len > header.nlmsg_len) break;
    const auto* text = reinterpret_cast<const char*>(message + offset + NLA_HDRLEN);
    if ((attribute.nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG)
      return std::string(text, strnlen(text, attribute.nla_len - NLA_HDRLEN));
    offset += NLA_ALIGN(attribute.nla_len);
  }
  return "";
}

/** The error number of an NLMSG_ERROR message: 0 is an acknowledgement. */
inline int ErrorIn(const nlmsghdr& header, const uint8_t* message, nlmsgerr& error) {
  if (header.nlmsg_len < NLMSG_HDRLEN + sizeof error) return EBADMSG;
  memcpy(&error, message + NLMSG_HDRLEN, sizeof error);
  return -error.error;
}

inline void AddRefusal(Napi::Env env, Napi::Array& refusals, const nlmsghdr& header, const uint8_t* message) {
  nlmsgerr error{};
  const int number = ErrorIn(header, message, error);
  if (number == 0) return;
  Napi::Object refusal = Napi::Object::New(env);
  const char* code = strerrorname_np(number);
  refusal.Set("sequence", Napi::Number::New(env, header.nlmsg_seq));
  refusal.Set("errno", Napi::Number::New(env, number));
  refusal.Set("code", Napi::String::New(env, code != nullptr ? code : "E" + std::to_string(number)));
  const std::string text = ExtendedAck(header, error, message);
  if (!text.empty()) refusal.Set("message", Napi::String::New(env, text));
  refusals.Set(refusals.Length(), refusal);
}

inline void SendMessages(Napi::Env env, int fd, const Napi::Uint8Array& messages) {
  while (send(fd, messages.Data(), messages.ByteLength(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
    if (errno != EINTR) Fail(env, "send");
}

inline Napi::Value Request(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = IntFrom(info[0], "fd");
  const Napi::Uint8Array messages = BytesFrom(info[1], "messages");
  const uint32_t last = Unsigned32From(info[2], "last");
  std::set<uint32_t> ours;
  bool answered = false;
  ForEachMessage(messages.Data(), messages.ByteLength(), [&](const nlmsghdr& header, const uint8_t*) {
    ours.insert(header.nlmsg_seq);
    answered = answered || (header.nlmsg_seq == last && (header.nlmsg_flags & NLM_F_ACK) != 0);
  });
  if (!answered) Refuse(env, "messages hold none with this sequence that asks for an answer");
  Napi::Array refusals = Napi::Array::New(env);
  SendMessages(env, fd, messages);
  std::vector<uint8_t> buffer(kNetlinkLimit);
  for (bool done = false; !done;) {
    const size_t length = ReceiveAnswer(env, fd, buffer);
    ForEachMessage(buffer.data(), length, [&](const nlmsghdr& header, const uint8_t* message) {
      if (header.nlmsg_type != NLMSG_ERROR || ours.count(header.nlmsg_seq) == 0) return;
      AddRefusal(env, refusals, header, message);
      done = done || header.nlmsg_seq == last;
    });
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
    if (received == 0 || (received < 0 && errno == EAGAIN)) return refusals;
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) Fail(env, "recv");
    ForEachMessage(buffer.data(), static_cast<size_t>(received), [&](const nlmsghdr& header, const uint8_t* message) {
      if (header.nlmsg_type == NLMSG_ERROR) AddRefusal(env, refusals, header, message);
    });
  }
}

enum class DumpEnd { kMore, kDone, kInterrupted };

/** Adds the answers in one buffer; throws what the kernel refused. A dump ends with NLMSG_DONE, another request with its acknowledgement. */
inline DumpEnd AddAnswers(Napi::Env env, int fd, const std::vector<uint8_t>& buffer, size_t length,
                          std::vector<uint8_t>& answer, bool& torn) {
  bool done = false;
  int refused = 0;
  ForEachMessage(buffer.data(), length, [&](const nlmsghdr& header, const uint8_t* message) {
    torn = torn || (header.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    if (header.nlmsg_type == NLMSG_ERROR) {
      nlmsgerr error{};
      refused = ErrorIn(header, message, error);
      done = refused == 0;
    } else if (header.nlmsg_type == NLMSG_DONE) {
      int32_t error = 0;
      if (header.nlmsg_len >= NLMSG_HDRLEN + sizeof error) memcpy(&error, message + NLMSG_HDRLEN, sizeof error);
      refused = -error;
      done = true;
    } else {
      answer.insert(answer.end(), message, message + header.nlmsg_len);
      answer.resize(NLMSG_ALIGN(answer.size()));
    }
  });
  if (refused > 0) Abandon(env, fd, "dump", refused);
  if (!done) return DumpEnd::kMore;
  return torn ? DumpEnd::kInterrupted : DumpEnd::kDone;
}

/** One request that is answered with data: all messages up to its end, joined. A dump that a change ran through may lack entries: it is repeated. */
inline Napi::Value Dump(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = IntFrom(info[0], "fd");
  const Napi::Uint8Array message = BytesFrom(info[1], "message");
  bool ends = false;
  ForEachMessage(message.Data(), message.ByteLength(), [&](const nlmsghdr& header, const uint8_t*) {
    ends = (header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP || (header.nlmsg_flags & NLM_F_ACK) != 0;
  });
  if (!ends) Refuse(env, "message asks neither for a dump nor for an acknowledgement");
  std::vector<uint8_t> buffer(kNetlinkLimit);
  for (int attempt = 0; attempt < kDumpAttempts; attempt++) {
    std::vector<uint8_t> answer;
    bool torn = false;
    SendMessages(env, fd, message);
    DumpEnd end = DumpEnd::kMore;
    while (end == DumpEnd::kMore)
      end = AddAnswers(env, fd, buffer, ReceiveAnswer(env, fd, buffer), answer, torn);
    if (end == DumpEnd::kInterrupted) continue;
    Napi::Uint8Array bytes = Napi::Uint8Array::New(env, answer.size());
    if (!answer.empty()) memcpy(bytes.Data(), answer.data(), answer.size());
    return bytes;
  }
  Fail(env, "dump", EINTR);
}
