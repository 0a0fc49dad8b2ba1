// What the border's files share: exceptions become statuses and messages, and missing arguments exceptions.
#pragma once

#include <cinttypes>
#include <exception>
#include <new>

#include "error.h"

namespace talus {

// Keeps status and message as the thread's last ones; returns the status.
int failed(int status, const char* message);

// Runs f; no exception leaves.
template <class F>
int guarded(F&& f) noexcept {
  try {
    f();
    return TALUS_OK;
  } catch (const Error& e) {
    return failed(e.status(), e.what());
  } catch (const std::bad_alloc&) {
    return failed(TALUS_OUT_OF_MEMORY, "out of memory: the C++ runtime has no more for bookkeeping");
  } catch (const std::exception& e) {
    return failed(TALUS_INTERNAL_ERROR, e.what());
  } catch (...) {
    return failed(TALUS_INTERNAL_ERROR, "unknown C++ exception");
  }
}

inline void require_count(const char* what, int64_t count) {
  if (count < 0) fail(TALUS_INVALID_ARGUMENT, "%s is %" PRId64 ", expected 0 or more", what, count);
}

template <class... Counts>
void require_counts(Counts... counts) {
  (require_count("a size", counts), ...);
}

inline void require_address(const char* what, const void* address) {
  if (address == nullptr) fail(TALUS_INVALID_ARGUMENT, "%s is missing (address 0)", what);
}

// Makes a CUDA device the thread's; throws where there is none.
void use_cuda(int device);

}  // namespace talus
