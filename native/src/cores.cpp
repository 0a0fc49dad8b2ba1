#include "cores.h"

#include <cstdlib>
#include <fstream>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace talus {
namespace {

constexpr double kUnlimited = 1e9;

int cores_of_affinity_mask() {
#if defined(__linux__)
  // Machines beyond CPU_SETSIZE (1024) cores make the plain call fail.
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0 && CPU_COUNT(&mask) > 0) return CPU_COUNT(&mask);
#endif
  const unsigned cores = std::thread::hardware_concurrency();
  return cores > 0 ? static_cast<int>(cores) : 1;
}

double ratio(double quota, double period) { return quota > 0 && period > 0 ? quota / period : kUnlimited; }

// Version 2: one file, "max 100000" or "150000 100000".
double quota_v2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max") return kUnlimited;
  return ratio(std::strtod(quota.c_str(), nullptr), period);
}

// Version 1: two files, quota -1 for no limit.
double quota_v1(const std::string& folder) {
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us"), period_file(folder + "/cpu.cfs_period_us");
  double quota = -1, period = 0;
  if (!(quota_file >> quota) || !(period_file >> period)) return kUnlimited;
  return ratio(quota, period);
}

// The tightest limit from `path` up to the root. Inside a container the path may be the host's, of which only the root
// is visible; the missing folders on the way limit nothing.
double tightest(const std::string& root, std::string path, double (*quota)(const std::string&)) {
  double limit = kUnlimited;
  for (;;) {
    const double here = quota(root + path);
    if (here < limit) limit = here;
    const size_t slash = path.find_last_of('/');
    if (path.empty() || slash == std::string::npos) return limit;
    path.erase(slash);
  }
}

bool names_cpu(const std::string& controllers) { return ("," + controllers + ",").find(",cpu,") != std::string::npos; }

}  // namespace

int granted_cores(const std::string& cgroup_root, const std::string& self_cgroup) {
  double limit = cores_of_affinity_mask();
  std::ifstream groups(self_cgroup);
  // Lines of "id:controllers:path"; version 2 is the one without controllers.
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    double quota = kUnlimited;
    if (controllers.empty()) {
      quota = tightest(cgroup_root, path, quota_v2);
    } else if (names_cpu(controllers)) {
      quota = tightest(cgroup_root + "/cpu", path, quota_v1);
    }
    if (quota < limit) limit = quota;
  }
  // One and a half cores are worth two threads.
  const int whole = static_cast<int>(limit);
  return limit > whole ? whole + 1 : whole;
}

}  // namespace talus
