// Devices: what they say of themselves, machines without any, and two beside each other.
#include <thread>

#include "cuda/device_array.h"

#if defined(TALUS_TEST_EMULATED)
#include "cuda_runtime.h"
#endif

using namespace talus;

namespace {

// With two devices: emulated ones, or the machine's.
void with_two_devices(const std::function<void()>& body) {
#if defined(TALUS_TEST_EMULATED)
  emulator::set_device_count(2);
#else
  if (cuda::device_count() < 2) {
    std::printf("only one device, so this tests nothing: ");
    return;
  }
#endif
  body();
  for (const int device : {1, 0}) {
    cuda::use_device(device);
    cuda::memory_trim();
  }
#if defined(TALUS_TEST_EMULATED)
  emulator::set_device_count(1);
#endif
}

}  // namespace

TEST(devices_describe_themselves) {
  CHECK(cuda::device_count() >= 1);
  cuda::use_device(0);
  const cuda::DeviceProperties& p = cuda::properties(0);
  CHECK(!p.name.empty() && p.major >= 7 && p.multiprocessors > 0 && p.memory_bytes > 0);
  CHECK_FAILS(cuda::use_device(cuda::device_count()), "does not exist");
  CHECK_FAILS(cuda::properties(-1), "CUDA device -1 does not exist");
}

#if defined(TALUS_TEST_EMULATED)
TEST(a_machine_without_devices) {
  std::thread([] {
    emulator::set_device_count(0);
    CHECK(cuda::device_count() == 0);
    CHECK_FAILS(cuda::use_device(0), "the NVIDIA driver finds no GPU; see what nvidia-smi lists");
    emulator::set_driver_version(11080);
    CHECK(cuda::device_count() == 0);
    CHECK_FAILS(cuda::use_device(0), "the NVIDIA driver is for CUDA 11.8 and this build for CUDA 13.0; update the");
    emulator::set_driver_version(0);
    CHECK_FAILS(cuda::use_device(0),
                "no NVIDIA driver is installed (libcuda cannot be loaded); install it, or use the");
    emulator::set_driver_version(13000);
    emulator::set_device_count(1);
  }).join();
}
#endif

TEST(devices_keep_apart) {
  with_two_devices([] {
    cuda::use_device(1);
    Array x(std::vector<float>(100, 1));
    add(x, 1);
    CHECK(all_are(x.values(), 2));
    void* const here = cuda::allocate(10);
    cuda::use_device(0);
    CHECK_FAILS(cuda::release(here), "not the begin of a block of CUDA device 0");
    cuda::use_device(1);
    cuda::release(here);
  });
}

// A copy waits for what made its source, and what comes after on either side waits for the copy.
TEST(devices_copy_to_each_other_in_order) {
  with_two_devices([] {
    for_each_isa([](const char*) {
      cuda::use_device(0);
      cuda::Stream* const stream = cuda::stream_create();
      {
        Array x(std::vector<float>(3000, 1));
        cuda::synchronize();
        cuda::stream_use(stream);
        {
          cuda::use_device(1);
          Array y(std::vector<float>(3000, 0));
          for (int i = 1; i <= 4; ++i) {
            add(y, 100);
            cuda::use_device(0);
            add(x, 1);
            cuda::transfer(0, x.at, 1, y.at, 12000);
            cuda::use_device(0);
            multiply(x, 2);
            cuda::use_device(1);
            multiply(y, 10);
            // x was 2, 5, 11, 23.
            CHECK(all_are(y.values(), static_cast<float>((3 << i) - 2) * 5));
          }
          cuda::transfer(1, y.at, 0, x.at, 12000);
          cuda::use_device(0);
          CHECK(all_are(x.values(), 230));
          cuda::graph_begin();
          CHECK_FAILS(cuda::transfer(1, y.at, 0, x.at, 12000),
                      "transfer: a graph is being captured on this stream of CUDA device 0, and a graph repeats the "
                      "work of one device only, so no copy from CUDA device 1 to CUDA device 0 can be part of it; copy "
                      "before the capture begins");
          CHECK_FAILS(cuda::transfer(0, x.at, 1, y.at, 12000), "no copy from CUDA device 0 to CUDA device 1");
          cuda::use_device(0);
          cuda::graph_free(cuda::graph_end());
#if defined(TALUS_TEST_EMULATED)
          CHECK_FAILS(cuda::transfer(0, y.at, 1, y.at, 12000), "cudaMemcpyPeerAsync");
#endif
          cuda::use_device(1);
        }
        cuda::use_device(0);
        cuda::stream_use(nullptr);
      }
      cuda::stream_free(stream);
    });
  });
}

#if defined(TALUS_TEST_EMULATED)
// Pairs of devices of their own: a device is let to reach another once for the whole process.
TEST(copies_are_direct_where_devices_reach_each_other) {
  emulator::set_device_count(4);
  // The bytes arrive in any case.
  const auto copy = [](int from, int to) {
    const int64_t before = emulator::copies_through_host();
    cuda::use_device(from);
    const Array x(random_values<float>(100, 5));
    cuda::use_device(to);
    {
      const Array y(100);
      for (int i = 0; i < 2; ++i) cuda::transfer(from, x.at, to, y.at, 400);
      cuda::use_device(to);
      CHECK(y.values() == random_values<float>(100, 5));
    }
    cuda::use_device(from);
    return emulator::copies_through_host() - before;
  };
  CHECK(copy(2, 3) == 0);
  emulator::set_most_peers(1);
  CHECK(copy(3, 2) == 0);
  CHECK(copy(1, 2) == 2);
  emulator::set_most_peers(0);
  CHECK(copy(0, 3) == 2);
  emulator::set_most_peers(4);
  // Another library was first.
  cuda::use_device(1);
  CHECK(cudaDeviceEnablePeerAccess(3, 0) == cudaSuccess);
  CHECK(copy(3, 1) == 0);
  CHECK(cudaPeekAtLastError() == cudaSuccess);
  for (const int device : {3, 2, 1, 0}) {
    cuda::use_device(device);
    cuda::memory_trim();
  }
  emulator::set_device_count(1);
}
#endif
