// How many cores this process may use.
#pragma once

#include <string>

namespace talus {

// The cores of this process's affinity mask, or fewer where a control group (version 1 or 2) grants less time per
// period. `cgroup_root` and `self_cgroup` stand for /sys/fs/cgroup and /proc/self/cgroup.
int granted_cores(const std::string& cgroup_root = "/sys/fs/cgroup",
                  const std::string& self_cgroup = "/proc/self/cgroup");

}  // namespace talus
