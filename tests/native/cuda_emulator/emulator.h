// What tests may choose about the emulated devices, and what the emulator found.
#pragma once

#include <cstdint>
#include <string>

namespace emulator {

// The order of blocks in a grid, of threads between barriers and of operations between streams: 0 is as written, every
// other seed another permutation. Programs that are right compute the same with all of them.
void set_seed(uint64_t seed);
// Devices there are from now on; call it while no device memory is in use.
void set_device_count(int count);
// The CUDA version of the driver, as 12040 for 12.4; 0: there is none. Older ones than the runtime find no device.
void set_driver_version(int version);
// What each device that nobody has asked about yet says it is, as 75 for 7.5; 90 at first.
void set_compute_capability(int capability);
// Bytes of each device's memory from now on, at most what is reserved for it; 0: as much as that.
void set_device_memory(int64_t bytes);
// How many others each device can reach from now on: copies from one that it does not reach go through the host. With 0
// no device can reach another. Kernels may not touch another device's memory in any case: Talus has none that do.
void set_most_peers(int count);
// Copies between devices so far that went through the host.
int64_t copies_through_host();
// Whether this program watches every access of its kernels; see hooks.cpp.
bool checking();
// What was wrong with the last kernel that failed, or empty.
const std::string& report();

// For an allocator that hands out parts of cudaMalloc's blocks: only permitted bytes may be touched by kernels. Fresh
// blocks are wholly permitted; permit() says that nothing is written there yet.
void permit(void* device_address, int64_t bytes);
void forbid(void* device_address, int64_t bytes);

}  // namespace emulator
