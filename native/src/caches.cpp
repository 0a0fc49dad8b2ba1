#include "caches.h"

#include <algorithm>
#include <fstream>

namespace talus {
namespace {

constexpr Caches kDefault = {32 << 10, 512 << 10, 8 << 20};

// "32K" or "1024K"; 0 for anything else.
int64_t bytes_of(const std::string& text) {
  size_t used = 0;
  int64_t value = 0;
  while (used < text.size() && text[used] >= '0' && text[used] <= '9' && value < (int64_t{1} << 40))
    value = value * 10 + (text[used++] - '0');
  const std::string unit = text.substr(used);
  return unit == "K" ? value << 10 : unit == "M" ? value << 20 : unit.empty() ? value : 0;
}

std::string first_word(const std::string& path) {
  std::string word;
  std::ifstream(path) >> word;
  return word;
}

Caches& current() {
  static Caches caches = read_caches("/sys/devices/system/cpu/cpu0/cache");
  return caches;
}

Caches before_test;

}  // namespace

// The C library's sysconf counts the shared cache once for every core of some machines, so the kernel's files are read.
Caches read_caches(const std::string& cpu) {
  int64_t level[4] = {};
  for (int i = 0; i < 8; ++i) {
    const std::string index = cpu + "/index" + std::to_string(i);
    const std::string number = first_word(index + "/level"), type = first_word(index + "/type");
    if (type != "Data" && type != "Unified") continue;
    if (number == "1" || number == "2" || number == "3") level[number[0] - '0'] = bytes_of(first_word(index + "/size"));
  }
  const auto or_default = [](int64_t bytes, int64_t least, int64_t other) { return bytes >= least ? bytes : other; };
  Caches c;
  c.l1 = or_default(level[1], 4 << 10, kDefault.l1);
  c.l2 = or_default(level[2], 32 << 10, kDefault.l2);
  // Without a third level the second is the last.
  c.l3 = or_default(level[3], 32 << 10, level[2] > 0 ? c.l2 : kDefault.l3);
  c.l3 = std::max(c.l2, c.l3);
  return c;
}

const Caches& caches() { return current(); }

CachesForTest::CachesForTest(const Caches& caches) {
  before_test = current();
  current() = caches;
}

CachesForTest::~CachesForTest() { current() = before_test; }

}  // namespace talus
