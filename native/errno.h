// How native code fails: a refused system call becomes a JavaScript Error with code, errno and syscall,
// a wrong argument a TypeError. Also the conversions between JavaScript values and what system calls take.
#pragma once

#include <arpa/inet.h>
#include <napi.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

[[noreturn]] inline void Fail(Napi::Env env, const char* syscall, int error = errno) {
  const char* name = strerrorname_np(error);
  const std::string code = name != nullptr ? name : "E" + std::to_string(error);
  Napi::Error failure = Napi::Error::New(env, std::string(syscall) + " " + code + ": " + strerror(error));
  failure.Set("code", Napi::String::New(env, code));
  failure.Set("errno", Napi::Number::New(env, error));
  failure.Set("syscall", Napi::String::New(env, syscall));
  throw failure;
}

/** The result of a system call, or a thrown Error where it is -1. */
template <typename T>
T Checked(Napi::Env env, const char* syscall, T result) {
  if (result == static_cast<T>(-1)) Fail(env, syscall);
  return result;
}

[[noreturn]] inline void Refuse(Napi::Env env, const std::string& what) { throw Napi::TypeError::New(env, what); }

inline double NumberFrom(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) Refuse(value.Env(), std::string(name) + " must be a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!std::isfinite(number)) Refuse(value.Env(), std::string(name) + " must be finite");
  return number;
}

inline int64_t IntegerFrom(const Napi::Value& value, const char* name) {
  const double number = NumberFrom(value, name);
  if (number != std::floor(number) || std::fabs(number) > 9007199254740991.0)
    Refuse(value.Env(), std::string(name) + " must be an integer");
  return static_cast<int64_t>(number);
}

/** An integer from `least` to `most`: a cast never turns a wrong number into a meaningful one (uid -1, id 2^32). */
inline int64_t RangeFrom(const Napi::Value& value, const char* name, int64_t least, int64_t most) {
  const int64_t number = IntegerFrom(value, name);
  if (number < least || number > most) Refuse(value.Env(), std::string(name) + " is out of range");
  return number;
}

inline int IntFrom(const Napi::Value& value, const char* name) {
  return static_cast<int>(RangeFrom(value, name, INT32_MIN, INT32_MAX));
}

inline uint32_t Unsigned32From(const Napi::Value& value, const char* name) {
  return static_cast<uint32_t>(RangeFrom(value, name, 0, UINT32_MAX));
}

inline std::string StringFrom(const Napi::Value& value, const char* name) {
  if (!value.IsString()) Refuse(value.Env(), std::string(name) + " must be a string");
  std::string text = value.As<Napi::String>().Utf8Value();
  if (text.find('\0') != std::string::npos) Refuse(value.Env(), std::string(name) + " must not contain NUL");
  return text;
}

inline bool FlagFrom(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) Refuse(value.Env(), std::string(name) + " must be a boolean");
  return value.As<Napi::Boolean>().Value();
}

inline Napi::Object ObjectFrom(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) Refuse(value.Env(), std::string(name) + " must be an object");
  return value.As<Napi::Object>();
}

inline Napi::Array ArrayFrom(const Napi::Value& value, const char* name) {
  if (!value.IsArray()) Refuse(value.Env(), std::string(name) + " must be an array");
  return value.As<Napi::Array>();
}

/** A view of the bytes, valid until control returns to JavaScript. */
inline Napi::Uint8Array BytesFrom(const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    Refuse(value.Env(), std::string(name) + " must be a Uint8Array");
  return value.As<Napi::Uint8Array>();
}

inline std::vector<std::string> StringsFrom(const Napi::Value& value, const char* name) {
  const Napi::Array array = ArrayFrom(value, name);
  std::vector<std::string> strings;
  for (uint32_t i = 0; i < array.Length(); i++) strings.push_back(StringFrom(array.Get(i), name));
  return strings;
}

/** An IPv4 or IPv6 socket address; `length` is 0 for none. */
struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  sockaddr* get() { return length == 0 ? nullptr : reinterpret_cast<sockaddr*>(&storage); }
};

/** `scope` is the interface index that a link-local IPv6 destination needs. */
inline Address AddressFrom(Napi::Env env, const std::string& text, int port, uint32_t scope) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
    address.length = sizeof(sockaddr_in);
  } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    v6->sin6_scope_id = scope;
    address.length = sizeof(sockaddr_in6);
  } else {
    Refuse(env, "not an IP address: " + text);
  }
  return address;
}
