// How kernels and the allocator report failure: they throw, api.cpp turns it into a status and a message.
#pragma once

#include <cstdarg>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "talus/talus.h"

namespace talus {

class Error : public std::runtime_error {
 public:
  Error(int status, const std::string& message) : std::runtime_error(message), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

// Throws an Error with a printf-formatted message that names what was wrong and what was expected.
[[noreturn]] __attribute__((format(printf, 2, 3))) inline void fail(int status, const char* format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  std::vsnprintf(text, sizeof text, format, args);
  va_end(args);
  throw Error(status, text);
}

}  // namespace talus
