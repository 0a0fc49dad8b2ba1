// Device memory: one range of addresses a device, out of reach for host code while no kernel or copy runs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace emulator {

constexpr int kMaxDevices = 4;
constexpr size_t kDeviceBytes = size_t{1} << 30;
// Between blocks, so that an access beyond one never lands in the next.
constexpr size_t kRedZone = 256;

// Null when the device has no more.
void* device_allocate(int device, size_t bytes);
// False for an address that is not the begin of a block.
bool device_release(void* address);
// The device whose range this is in, or -1.
int device_of(const void* address);
// The bytes of the block around `address` from there to its end, or 0.
size_t device_bytes_at(const void* address);
size_t device_bytes_used(int device);
size_t device_bytes_total();

// Device memory can be read and written as long as one of these lives.
class DeviceAccess {
 public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};

}  // namespace emulator
