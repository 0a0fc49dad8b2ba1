// The sizes of this machine's data caches, which block sizes are derived from.
#pragma once

#include <cstdint>
#include <string>

namespace talus {

// Bytes of the first and second level of one core, and of the last level that cores share.
struct Caches {
  int64_t l1, l2, l3;
};

// Read once, from the running core's entry of the system; where it is silent, sizes that every current core has.
const Caches& caches();

// Whether the last level holds no useful part of so much output, nor of what it is computed from: reading its lines
// before they are overwritten is a waste then.
inline bool passes_caches(int64_t bytes) { return bytes >= caches().l3 / 2; }

// `cpu` stands for /sys/devices/system/cpu/cpu0/cache.
Caches read_caches(const std::string& cpu);

// For tests: blocks as on a machine with these caches, until the returned object's end.
class CachesForTest {
 public:
  explicit CachesForTest(const Caches& caches);
  ~CachesForTest();
  CachesForTest(const CachesForTest&) = delete;
  CachesForTest& operator=(const CachesForTest&) = delete;
};

}  // namespace talus
