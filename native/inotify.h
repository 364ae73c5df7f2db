// News of files: folders are watched through one descriptor (inotify(7)), which the I/O thread reads.
#pragma once

#include <sys/inotify.h>

#include "socket.h"

/** Its events come as records until it is closed. */
inline Napi::Value Inotify(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Descriptor fd(Checked(env, "inotify_init1", inotify_init1(IN_NONBLOCK | IN_CLOEXEC)));
  Checked(env, "epoll_ctl", IoThread::Get().WatchFiles(fd.get()));
  return Napi::Number::New(env, fd.release());
}

/** The number by which events name the folder: the same again for one that is watched already, by whatever path. */
inline Napi::Value InotifyAdd(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = IntFrom(info[0], "fd");
  const std::string path = StringFrom(info[1], "path");
  const uint32_t mask = Unsigned32From(info[2], "mask");
  return Napi::Number::New(env, Checked(env, "inotify_add_watch", inotify_add_watch(fd, path.c_str(), mask)));
}

inline void InotifyRemove(const Napi::CallbackInfo& info) {
  const int fd = IntFrom(info[0], "fd");
  Checked(info.Env(), "inotify_rm_watch", inotify_rm_watch(fd, IntFrom(info[1], "number")));
}
