#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "check.h"
#include "cores.h"
#include "error.h"
#include "kernels.h"

namespace {

using Ranges = std::set<std::pair<int64_t, int64_t>>;

Ranges ranges_of(int64_t n, int64_t grain) {
  Ranges ranges;
  std::mutex mutex;
  talus::parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    const std::lock_guard<std::mutex> lock(mutex);
    ranges.insert({begin, end});
  });
  return ranges;
}

// Busy for long enough that other threads join.
void work_a_while(int micros = 200) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(micros);
  while (std::chrono::steady_clock::now() < end) {
  }
}

// The sum of 1..n, cut small.
int64_t sum(int64_t n) {
  std::atomic<int64_t> total{0};
  talus::parallel_for(n, 8, [&](int64_t begin, int64_t end) {
    int64_t part = 0;
    for (int64_t i = begin; i < end; ++i) part += i + 1;
    total += part;
  });
  return total;
}

TEST(ranges_cover_everything_once) {
  for_each_thread_count([](int) {
    for (const int64_t n : {0, 1, 2, 7, 127, 128, 129, 1000, 4097, 1000003}) {
      for (const int64_t grain : {0, 1, 3, 100, 5000, 2000000}) {
        check::Note note("n " + std::to_string(n) + ", grain " + std::to_string(grain));
        int64_t next = 0;
        for (const auto& [begin, end] : ranges_of(n, grain)) {
          CHECK(begin == next);
          CHECK(end > begin);
          CHECK(end == n || end - begin >= grain);
          next = end;
        }
        CHECK(next == n);
      }
    }
  });
}

TEST(ranges_do_not_depend_on_the_thread_count) {
  std::vector<Ranges> seen;
  for_each_thread_count([&](int) { seen.push_back(ranges_of(100000, 17)); });
  CHECK(seen[0].size() > 100);
  CHECK(seen[0] == seen[1]);
  CHECK(seen[0] == seen[2]);
}

TEST(several_threads_take_part) {
  talus::set_num_threads(4);
  std::set<std::thread::id> ids;
  std::mutex mutex;
  for (int attempt = 0; attempt < 100 && ids.size() < 2; ++attempt) {
    talus::parallel_for(64, 1, [&](int64_t, int64_t) {
      work_a_while();
      const std::lock_guard<std::mutex> lock(mutex);
      ids.insert(std::this_thread::get_id());
    });
  }
  CHECK(ids.size() >= 2);
  CHECK(ids.size() <= 4);
}

TEST(one_thread_runs_in_the_caller) {
  talus::set_num_threads(1);
  talus::parallel_for(1000, 1, [caller = std::this_thread::get_id()](int64_t, int64_t) {
    CHECK(std::this_thread::get_id() == caller);
  });
}

// How many times `run` offers work to other threads.
template <class F>
int64_t offers(F&& run) {
  const int64_t before = talus::shared_jobs();
  run();
  return talus::shared_jobs() - before;
}

// Below these sizes a second thread would not pay, so it is not even told.
TEST(small_operations_run_inline) {
  const std::vector<float> x(1 << 18, 1), y(x);
  std::vector<float> out(x.size());
  const auto add = [&](int64_t n) {
    talus::cpu::binary(TALUS_ADD, TALUS_FLOAT32, talus::Geometry<3>(n, 1, nullptr), x.data(), y.data(), 1, out.data());
  };
  const auto exponential = [&](int64_t n) {
    talus::cpu::unary(TALUS_EXP, TALUS_FLOAT32, talus::Geometry<2>(n, 1, nullptr), x.data(), 0, 0, out.data());
  };
  const auto square = [&](int64_t n) {
    talus::cpu::gemm(TALUS_FLOAT32, {1, false, false, n, n, n, 1, x.data(), n, 0, y.data(), n, 0, 0, out.data(), n, 0,
                                     nullptr, talus::kNoActivation});
  };
  const int before = talus::num_threads();
  for (const int threads : {2, 4}) {
    talus::set_num_threads(threads);
    CHECK(offers([&] { add((1 << 17) - 1); }) == 0);
    CHECK(offers([&] { add(1 << 17); }) == 1);
    CHECK(offers([&] { exponential((1 << 15) - 1); }) == 0);
    CHECK(offers([&] { exponential(1 << 15); }) == 1);
    CHECK(offers([&] { square(100); }) == 0);
    CHECK(offers([&] { square(256); }) > 0);
  }
  talus::set_num_threads(1);
  CHECK(offers([&] { add(1 << 18); }) == 0);
  CHECK(offers([&] { square(256); }) == 0);
  talus::set_num_threads(before);
}

TEST(nested_calls_run_inline) {
  talus::set_num_threads(4);
  std::atomic<int64_t> items{0}, elsewhere{0};
  talus::parallel_for(50, 1, [&](int64_t begin, int64_t end) {
    const auto outer = std::this_thread::get_id();
    for (int64_t i = begin; i < end; ++i)
      talus::parallel_for(40, 1, [&](int64_t b, int64_t e) {
        items += e - b;
        if (std::this_thread::get_id() != outer) ++elsewhere;
      });
  });
  CHECK(items == 2000);
  CHECK(elsewhere == 0);
}

TEST(the_exception_of_the_lowest_range_arrives) {
  for_each_thread_count([](int) {
    for (int round = 0; round < 50; ++round) {
      CHECK_FAILS(talus::parallel_for(100, 1,
                                      [](int64_t begin, int64_t) {
                                        if (begin >= 30) throw talus::Error(3, "at " + std::to_string(begin));
                                      }),
                  "at 30");
      CHECK(sum(1000) == 500500);
    }
  });
}

TEST(many_callers_share_the_pool) {
  talus::set_num_threads(3);
  std::atomic<int> wrong{0}, at_once{0}, most{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 3; ++t)
    callers.emplace_back([&] {
      for (int round = 0; round < 100; ++round) {
        if (sum(5000) != 12502500) ++wrong;
        talus::parallel_for(16, 1, [&](int64_t, int64_t) {
          const int now = ++at_once;
          for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
          }
          --at_once;
        });
      }
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
  // A helper that joined one caller may still be at work when two more call.
  CHECK(most <= 3 + 2);
}

TEST(more_callers_than_threads) {
  talus::set_num_threads(2);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 8; ++t)
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round)
        if (sum(2000) != 2001000) ++wrong;
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST(resizing_while_others_compute) {
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 2; ++t)
    callers.emplace_back([&] {
      while (!stop)
        if (sum(3000) != 4501500) ++wrong;
    });
  for (int round = 0; round < 200; ++round) {
    talus::set_num_threads(1 + round % 5);
    CHECK(sum(100) == 5050);
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST(results_are_visible_to_the_caller_after_sleeping) {
  talus::set_num_threads(4);
  std::vector<int64_t> squares(20000);
  for (int round = 0; round < 20; ++round) {
    // Longer than idle threads look for work, so they must be woken.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    talus::parallel_for(20000, 10, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) squares[i] = i * i + round;
    });
    int64_t wrong = 0;
    for (int64_t i = 0; i < 20000; ++i) wrong += squares[i] != i * i + round;
    CHECK(wrong == 0);
  }
}

TEST(thread_counts_are_checked) {
  CHECK_FAILS(talus::set_num_threads(0), "expected 1 to");
  CHECK_FAILS(talus::set_num_threads(-3), "-3 threads");
  CHECK_FAILS(talus::set_num_threads(100000), "100000 threads");
  talus::set_num_threads(3);
  CHECK(talus::num_threads() == 3);
}

#if defined(__linux__)
// Puts a spinning helper on its caller's core, and tells whether it computes on another one when it next takes part.
bool is_moved(pid_t helper, const cpu_set_t& granted) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  if (sched_setaffinity(helper, sizeof one, &one) != 0 || sched_setaffinity(helper, sizeof granted, &granted) != 0)
    return false;
  // It runs here for a moment.
  for (int i = 0; i < 20; ++i) sched_yield();
  std::atomic<int> helper_core{-1};
  int caller_core = -1;
  for (int job = 0; job < 1000 && helper_core < 0; ++job) {
    caller_core = sched_getcpu();
    talus::parallel_for(8, 1, [&](int64_t, int64_t) {
      int none = -1;
      if (static_cast<pid_t>(syscall(SYS_gettid)) == helper) helper_core.compare_exchange_strong(none, sched_getcpu());
      work_a_while(20);
    });
  }
  return helper_core >= 0 && helper_core != caller_core;
}

// Left alone, the two take turns on that core for tens of milliseconds, although the helper may run anywhere.
TEST(a_helper_on_its_callers_core_is_moved) {
  talus::set_num_threads(1);
  talus::set_num_threads(2);
  const pid_t caller = static_cast<pid_t>(syscall(SYS_gettid));
  std::atomic<pid_t> helper{0};
  while (helper == 0)
    talus::parallel_for(8, 1, [&](int64_t, int64_t) {
      const auto self = static_cast<pid_t>(syscall(SYS_gettid));
      if (self != caller) helper = self;
      work_a_while();
    });
  cpu_set_t granted;
  CHECK(sched_getaffinity(helper, sizeof granted, &granted) == 0);
  if (CPU_COUNT(&granted) < 2) return;  // nowhere else to go
  int moved = 0;
  for (int i = 0; i < 20; ++i) moved += is_moved(helper, granted) ? 1 : 0;
  CHECK(moved >= 15);
  cpu_set_t after;
  CHECK(sched_getaffinity(helper, sizeof after, &after) == 0);
  CHECK(CPU_EQUAL(&granted, &after));
}
#endif

// --------------------------------------------------------------------------------------------- granted cores

class Folder {
 public:
  Folder() { path_ = mkdtemp(path_.data()); }
  ~Folder() {
    for (auto it = made_.rbegin(); it != made_.rend(); ++it) std::remove(it->c_str());
    rmdir(path_.c_str());
  }
  void folder(const std::string& name) {
    made_.push_back(path_ + "/" + name);
    CHECK(mkdir(made_.back().c_str(), 0700) == 0);
  }
  void file(const std::string& name, const std::string& text) {
    made_.push_back(path_ + "/" + name);
    std::ofstream(made_.back()) << text;
  }
  int cores() const { return talus::granted_cores(path_, path_ + "/self"); }

 private:
  std::string path_ = "/tmp/talus-cores-XXXXXX";
  std::vector<std::string> made_;
};

const int all_cores = talus::granted_cores("/nowhere", "/nowhere");

TEST(without_groups_the_affinity_mask_counts) {
  CHECK(all_cores >= 1);
  CHECK(talus::granted_cores() <= all_cores);
}

TEST(quota_of_control_groups_version_2) {
  Folder groups;
  groups.file("self", "0::/a/b\n");
  groups.folder("a");
  groups.folder("a/b");
  groups.file("a/b/cpu.max", "max 100000\n");
  CHECK(groups.cores() == all_cores);
  groups.file("a/cpu.max", "50000 100000\n");
  CHECK(groups.cores() == 1);
  groups.file("a/cpu.max", "120000 100000\n");
  CHECK(groups.cores() == (all_cores < 2 ? all_cores : 2));
}

TEST(quota_of_control_groups_version_1) {
  Folder groups;
  groups.file("self", "5:memory:/host/path\n4:cpu,cpuacct:/host/path\n");
  groups.folder("cpu");
  groups.file("cpu/cpu.cfs_period_us", "100000\n");
  groups.file("cpu/cpu.cfs_quota_us", "-1\n");
  CHECK(groups.cores() == all_cores);
  groups.file("cpu/cpu.cfs_quota_us", "100000\n");
  CHECK(groups.cores() == 1);
}

}  // namespace
