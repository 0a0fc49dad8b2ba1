#include "caches.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "check.h"

namespace {

class Folder {
 public:
  Folder() { path_ = mkdtemp(path_.data()); }
  ~Folder() {
    for (auto it = made_.rbegin(); it != made_.rend(); ++it) std::remove(it->c_str());
    rmdir(path_.c_str());
  }
  void cache(int index, const std::string& level, const std::string& type, const std::string& size) {
    const std::string folder = path_ + "/index" + std::to_string(index);
    CHECK(mkdir(folder.c_str(), 0700) == 0);
    made_.push_back(folder);
    file(folder + "/level", level);
    file(folder + "/type", type);
    file(folder + "/size", size);
  }
  talus::Caches read() const { return talus::read_caches(path_); }

 private:
  void file(const std::string& path, const std::string& text) {
    std::ofstream(path) << text << "\n";
    made_.push_back(path);
  }

  std::string path_ = "/tmp/talus-caches-XXXXXX";
  std::vector<std::string> made_;
};

void check_sizes(const talus::Caches& c, int64_t l1, int64_t l2, int64_t l3) {
  CHECK(c.l1 == l1);
  CHECK(c.l2 == l2);
  CHECK(c.l3 == l3);
}

TEST(sizes_are_read) {
  Folder cpu;
  cpu.cache(0, "1", "Data", "48K");
  cpu.cache(1, "1", "Instruction", "64K");
  cpu.cache(2, "2", "Unified", "2048K");
  cpu.cache(3, "3", "Unified", "36M");
  check_sizes(cpu.read(), 48 << 10, 2 << 20, 36 << 20);
}

TEST(without_a_third_level_the_second_is_the_last) {
  Folder cpu;
  cpu.cache(0, "1", "Data", "64K");
  cpu.cache(1, "2", "Unified", "4096K");
  check_sizes(cpu.read(), 64 << 10, 4 << 20, 4 << 20);
}

TEST(what_is_missing_or_absurd_has_defaults) {
  check_sizes(talus::read_caches("/nowhere"), 32 << 10, 512 << 10, 8 << 20);
  Folder cpu;
  cpu.cache(0, "1", "Data", "0K");
  cpu.cache(1, "2", "Unified", "plenty");
  cpu.cache(2, "3", "Unified", "1K");
  check_sizes(cpu.read(), 32 << 10, 512 << 10, 8 << 20);
}

TEST(this_machine_has_caches) {
  const talus::Caches& c = talus::caches();
  CHECK(c.l1 >= 4 << 10);
  CHECK(c.l2 >= 32 << 10);
  CHECK(c.l3 >= c.l2);
}

}  // namespace
