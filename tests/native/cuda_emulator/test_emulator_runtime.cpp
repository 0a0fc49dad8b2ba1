// Streams, events, graphs, devices and memory of the emulator, and the arguments that its runtime refuses.
#include "emulator_launches.h"

namespace {

__global__ void add(int* x, int value) { x[threadIdx.x] += value; }
__global__ void multiply(int* x, int value) { x[threadIdx.x] *= value; }

}  // namespace

TEST(work_waits_until_somebody_does) {
  Array<int> x(counted(32));
  cudaStream_t stream = nullptr;
  cudaEvent_t event = nullptr;
  OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  OK(launch_on(stream, add, 1, 32, 0, x.at, 5));
  OK(cudaEventRecord(event, stream));
  CHECK(cudaEventQuery(event) == cudaErrorNotReady);
  OK(cudaEventSynchronize(event));
  CHECK(cudaEventQuery(event) == cudaSuccess && cudaStreamQuery(stream) == cudaSuccess);
  CHECK(x.values()[7] == 12);
  OK(cudaEventDestroy(event));
  OK(cudaStreamDestroy(stream));
  CHECK(cudaStreamSynchronize(stream) == cudaErrorInvalidResourceHandle);
  CHECK(cudaGetLastError() == cudaErrorInvalidResourceHandle && cudaGetLastError() == cudaSuccess);
}

// Two streams change the same numbers: an event orders them, without one both orders happen.
TEST(only_events_order_streams) {
  cudaStream_t first = nullptr, second = nullptr;
  cudaEvent_t event = nullptr;
  OK(cudaStreamCreateWithFlags(&first, cudaStreamNonBlocking));
  OK(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking));
  OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  for (const bool ordered : {true, false}) {
    bool seen[2] = {};
    for (uint64_t seed = 0; seed < 12; ++seed) {
      emulator::set_seed(seed);
      Array<int> x(std::vector<int>(8, 1));
      OK(launch_on(first, add, 1, 8, 0, x.at, 2));
      OK(cudaEventRecord(event, first));
      if (ordered) OK(cudaStreamWaitEvent(second, event));
      OK(launch_on(second, multiply, 1, 8, 0, x.at, 10));
      OK(cudaDeviceSynchronize());
      const int value = x.values()[0];
      CHECK(value == 30 || (!ordered && value == 12));
      seen[value == 12] = true;
    }
    CHECK(seen[0] && seen[1] == !ordered);
  }
  emulator::set_seed(0);
  OK(cudaEventDestroy(event));
  OK(cudaStreamDestroy(first));
  OK(cudaStreamDestroy(second));
}

// Who waits for an event waits for its record of that moment, whatever stream records it later and comes there first.
TEST(a_wait_is_for_one_record) {
  cudaStream_t first = nullptr, second = nullptr, other = nullptr;
  cudaEvent_t event = nullptr;
  for (cudaStream_t* stream : {&first, &second, &other}) OK(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking));
  OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  for (uint64_t seed = 0; seed < 200; ++seed) {
    emulator::set_seed(seed);
    Array<int> x(std::vector<int>(8, 1));
    OK(launch_on(first, add, 1, 8, 0, x.at, 2));
    OK(cudaEventRecord(event, first));
    OK(cudaStreamWaitEvent(second, event));
    OK(cudaEventRecord(event, other));
    OK(launch_on(second, multiply, 1, 8, 0, x.at, 10));
    OK(cudaDeviceSynchronize());
    CHECK(x.values()[0] == 30);
  }
  emulator::set_seed(0);
  OK(cudaEventDestroy(event));
  for (cudaStream_t stream : {first, second, other}) OK(cudaStreamDestroy(stream));
}

TEST(pinned_memory_is_copied_late_pageable_at_once) {
  int* pinned = nullptr;
  OK(cudaHostAlloc(reinterpret_cast<void**>(&pinned), 4, cudaHostAllocDefault));
  for (const bool late : {true, false}) {
    int pageable = 1;
    *pinned = 1;
    Array<int> x(size_t{1});
    OK(cudaMemcpyAsync(x.at, late ? pinned : &pageable, 4, cudaMemcpyHostToDevice, nullptr));
    *pinned = pageable = 2;
    CHECK(x.values()[0] == (late ? 2 : 1));
  }
  OK(cudaFreeHost(pinned));
  CHECK(cudaFreeHost(pinned) == cudaErrorInvalidValue);
  cudaGetLastError();
}

TEST(graphs_repeat_what_was_captured) {
  for_each_seed([] {
    Array<int> x(counted(8));
    cudaStream_t stream = nullptr, helper = nullptr;
    cudaEvent_t fork = nullptr, join = nullptr;
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    OK(cudaStreamCreateWithFlags(&helper, cudaStreamNonBlocking));
    OK(cudaEventCreateWithFlags(&fork, cudaEventDisableTiming));
    OK(cudaEventCreateWithFlags(&join, cudaEventDisableTiming));
    OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    CHECK(cudaStreamSynchronize(stream) == cudaErrorStreamCaptureUnsupported);
    OK(launch_on(stream, add, 1, 8, 0, x.at, 1));
    OK(cudaEventRecord(fork, stream));
    OK(cudaStreamWaitEvent(helper, fork));
    OK(launch_on(helper, multiply, 1, 8, 0, x.at, 2));
    OK(cudaEventRecord(join, helper));
    OK(cudaStreamWaitEvent(stream, join));
    OK(cudaStreamEndCapture(stream, &graph));
    OK(cudaGraphInstantiate(&executable, graph));
    OK(cudaGraphDestroy(graph));
    CHECK(x.values()[3] == 3);
    for (int i = 0; i < 3; ++i) OK(cudaGraphLaunch(executable, stream));
    OK(cudaStreamSynchronize(stream));
    CHECK(x.values()[3] == ((3 + 1) * 2 + 1) * 4 + 2);
    OK(cudaGraphExecDestroy(executable));
    OK(cudaEventDestroy(fork));
    OK(cudaEventDestroy(join));
    OK(cudaStreamDestroy(stream));
    OK(cudaStreamDestroy(helper));
    CHECK(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal) == cudaErrorStreamCaptureUnsupported);
    cudaGetLastError();
  });
}

// ------------------------------------------------------------------------------------------ devices, errors

TEST(devices_are_counted) {
  emulator::set_device_count(2);
  int count = 0;
  OK(cudaGetDeviceCount(&count));
  CHECK(count == 2);
  cudaDeviceProp properties;
  OK(cudaGetDeviceProperties(&properties, 1));
  CHECK(std::string(properties.name) == "Emulated device 1" && properties.warpSize == 32);
  CHECK(cudaSetDevice(2) == cudaErrorInvalidDevice);
  OK(cudaSetDevice(1));
  {
    Array<int> x(counted(4));
    OK(run(add, 1, 4, x.at, 1));
    CHECK(x.values()[3] == 4);
    OK(cudaSetDevice(0));
    if (checking()) finds("memory of another device", add, 1, 4, x.at, 1);
  }
  emulator::set_device_count(0);
  CHECK(cudaGetDeviceCount(&count) == cudaErrorNoDevice && count == 0);
  emulator::set_device_count(1);
  cudaGetLastError();
}

TEST(memory_ends_and_comes_back) {
  emulator::set_device_memory(1 << 20);
  size_t idle = 0, total = 0;
  OK(cudaMemGetInfo(&idle, &total));
  CHECK(idle == total && total == 1 << 20);
  void *block = nullptr, *other = nullptr;
  CHECK(cudaMalloc(&block, 2 << 20) == cudaErrorMemoryAllocation && block == nullptr);
  for (int i = 0; i < 10; ++i) {
    OK(cudaMalloc(&block, 400 << 10));
    OK(cudaMallocAsync(&other, 500 << 10, nullptr));
    OK(cudaFreeAsync(other, nullptr));
    OK(cudaFree(block));
  }
  CHECK(cudaFree(block) == cudaErrorInvalidValue);
  OK(cudaMemGetInfo(&idle, &total));
  CHECK(idle == total);
  emulator::set_device_memory(0);
  cudaGetLastError();
}

TEST(arguments_are_checked) {
  Array<int> x(counted(4));
  int host[8] = {};
  CHECK(cudaMemcpy(host, x.at, 5 * sizeof(int), cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(host, x.at, 4, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemsetAsync(host, 0, 4, nullptr) == cudaErrorInvalidValue);
  CHECK(run(add, 1, 1025, x.at, 1) == cudaErrorInvalidConfiguration);
  CHECK(run(add, 0, 1, x.at, 1) == cudaErrorInvalidConfiguration);
  CHECK(run(add, {1, 65536}, 1, x.at, 1) == cudaErrorInvalidConfiguration);
  cudaStream_t blocking = nullptr;
  CHECK(cudaStreamCreateWithFlags(&blocking, 0) == cudaErrorNotSupported);
  OK(cudaMemsetAsync(x.at, 1, 8, nullptr));
  CHECK(x.values() == (std::vector<int>{0x01010101, 0x01010101, 2, 3}));
  cudaGetLastError();
}

TEST(devices_reach_each_other_when_they_are_let) {
  emulator::set_device_count(3);
  const auto let = [](int device, int peer, unsigned flags = 0) {
    OK(cudaSetDevice(device));
    return cudaDeviceEnablePeerAccess(peer, flags);
  };
  const auto can = [](int device, int peer) {
    int answer = -1;
    OK(cudaDeviceCanAccessPeer(&answer, device, peer));
    return answer;
  };
  CHECK(can(0, 1) == 1 && can(1, 0) == 1 && can(1, 1) == 0);
  emulator::set_most_peers(0);
  CHECK(can(0, 1) == 0 && let(0, 1) == cudaErrorInvalidDevice);
  emulator::set_most_peers(1);
  CHECK(let(0, 3) == cudaErrorInvalidDevice && let(0, 0) == cudaErrorInvalidDevice);
  CHECK(let(0, 1, 1) == cudaErrorInvalidValue);
  cudaGetLastError();
  OK(let(0, 1));
  CHECK(let(0, 1) == cudaErrorPeerAccessAlreadyEnabled && let(0, 2) == cudaErrorTooManyPeers);
  emulator::set_most_peers(4);
  const Array<int> here(counted(4));
  OK(cudaSetDevice(1));
  {
    const Array<int> there(std::vector<int>(4, 7));
    // The other way it was not let.
    for (const int copying : {0, 1}) {
      const int64_t before = emulator::copies_through_host();
      OK(cudaSetDevice(copying));
      OK(cudaMemcpyPeerAsync(copying == 0 ? here.at : there.at, copying, copying == 0 ? there.at : here.at, 1 - copying,
                             16, nullptr));
      OK(cudaDeviceSynchronize());
      CHECK(emulator::copies_through_host() == before + copying);
    }
    CHECK(here.values() == std::vector<int>(4, 7) && there.values() == std::vector<int>(4, 7));
  }
  OK(cudaSetDevice(0));
  // To copy from memory is not to touch it.
  if (checking()) {
    OK(cudaSetDevice(1));
    finds("memory of another device", add, 1, 4, here.at, 1);
    OK(cudaSetDevice(0));
  }
  emulator::set_device_count(1);
  cudaGetLastError();
}
