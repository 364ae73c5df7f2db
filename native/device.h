// What an interface says of its link when somebody asks: flags, ethtool, and registers of its transceiver (MII). Any
// socket in the interface's namespace will do. What the answers mean is for whoever asks.
#pragma once

#include <linux/ethtool.h>
#include <linux/mii.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "errno.h"

inline ifreq Question(const Napi::Value& device) {
  const std::string name = StringFrom(device, "device");
  ifreq question{};
  if (name.empty() || name.size() >= sizeof question.ifr_name) Refuse(device.Env(), "device is no name of an interface");
  memcpy(question.ifr_name, name.data(), name.size());
  return question;
}

/** IFF_*, those that fit into 16 bits. */
inline Napi::Value LinkFlags(const Napi::CallbackInfo& info) {
  const int fd = IntFrom(info[0], "fd");
  ifreq question = Question(info[1]);
  Checked(info.Env(), "ioctl", ioctl(fd, SIOCGIFFLAGS, &question));
  return Napi::Number::New(info.Env(), static_cast<uint16_t>(question.ifr_flags));
}

/** ETHTOOL_GLINK. */
inline Napi::Value LinkDetected(const Napi::CallbackInfo& info) {
  const int fd = IntFrom(info[0], "fd");
  ifreq question = Question(info[1]);
  ethtool_value answer{};
  answer.cmd = ETHTOOL_GLINK;
  question.ifr_data = reinterpret_cast<char*>(&answer);
  Checked(info.Env(), "ioctl", ioctl(fd, SIOCETHTOOL, &question));
  return Napi::Boolean::New(info.Env(), answer.data != 0);
}

/** One register of the transceiver that the device itself names. */
inline Napi::Value LinkRegister(const Napi::CallbackInfo& info) {
  const int fd = IntFrom(info[0], "fd");
  ifreq question = Question(info[1]);
  const auto number = static_cast<uint16_t>(RangeFrom(info[2], "register", 0, 31));
  Checked(info.Env(), "ioctl", ioctl(fd, SIOCGMIIPHY, &question));
  // The answer lies where the address of the interface would: struct mii_ioctl_data.
  mii_ioctl_data data{};
  static_assert(sizeof data <= sizeof question.ifr_ifru);
  memcpy(&data, &question.ifr_ifru, sizeof data);
  data.reg_num = number;
  memcpy(&question.ifr_ifru, &data, sizeof data);
  Checked(info.Env(), "ioctl", ioctl(fd, SIOCGMIIREG, &question));
  memcpy(&data, &question.ifr_ifru, sizeof data);
  return Napi::Number::New(info.Env(), data.val_out);
}
