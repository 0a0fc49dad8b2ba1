// The border of what only CUDA devices have, and the messages of the whole border.
#include <cstdio>
#include <cstring>

#include "api_guard.h"
#include "cuda/cublas.h"
#include "cuda/memory.h"
#include "cuda/runtime.h"
#include "talus/talus.h"

using namespace talus;

namespace {

thread_local char last_error[1024] = "";
thread_local int last_status = TALUS_OK;

// Runs statements with the device being the thread's; in a build without CUDA there is no such device.
template <class F>
int on_cuda(int device, F&& f) noexcept {
  return guarded([&] {
    use_cuda(device);
    f();
  });
}
#if defined(TALUS_HAS_CUDA)
#define TALUS_CUDA_CALL(...) on_cuda(device, [&] { __VA_ARGS__; })

cuda::Stream* stream_at(talus_ptr address) { return static_cast<cuda::Stream*>(address); }

cuda::Event* event_at(talus_ptr address) {
  require_address("the event", address);
  return static_cast<cuda::Event*>(address);
}

cuda::Graph* graph_at(talus_ptr address) {
  require_address("the graph", address);
  return static_cast<cuda::Graph*>(address);
}
#else
#define TALUS_CUDA_CALL(...) on_cuda(device, [] {})

constexpr const char* kNoCublas =
    "cuBLAS is for CUDA devices, and this build has no CUDA support; build it with -DTALUS_CUDA=ON, or choose native";
#endif

}  // namespace

namespace talus {

int failed(int status, const char* message) {
  std::snprintf(last_error, sizeof last_error, "%s", message);
  return last_status = status;
}

void use_cuda(int device) {
  if (device < 0) fail(TALUS_INVALID_ARGUMENT, "device %d does not exist, expected 0 (CPU) or more (CUDA)", device);
  if (device == TALUS_DEVICE_CPU) fail(TALUS_INVALID_ARGUMENT, "device 0 is the CPU, a CUDA device was expected");
#if defined(TALUS_HAS_CUDA)
  cuda::use_device(device - TALUS_DEVICE_CUDA);
#else
  fail(
      TALUS_UNSUPPORTED,
      "device %d: this build has no CUDA support; use natives of the platform's variant -gpu, which mvn -Pcuda builds, "
      "or the CPU (device 0)",
      device);
#endif
}

}  // namespace talus

extern "C" {

const char* talus_last_error(void) { return last_error; }

int talus_last_status(void) { return last_status; }

int talus_cuda_device_count(void) {
  int count = 0;
#if defined(TALUS_HAS_CUDA)
  count = cuda::device_count();
#endif
  return count;
}

const char* talus_device_name(int device) {
  const char* name = nullptr;
  if (device == TALUS_DEVICE_CPU) return "CPU";
  TALUS_CUDA_CALL(name = cuda::properties(device - TALUS_DEVICE_CUDA).name.c_str());
  return name;
}

int talus_synchronize(int device) {
  return device == TALUS_DEVICE_CPU ? int{TALUS_OK} : TALUS_CUDA_CALL(cuda::synchronize());
}

talus_ptr talus_stream_create(int device) {
  talus_ptr stream = nullptr;
  TALUS_CUDA_CALL(stream = cuda::stream_create());
  return stream;
}

int talus_stream_free(int device, [[maybe_unused]] talus_ptr stream) {
  return TALUS_CUDA_CALL(require_address("the stream", stream); cuda::stream_free(stream_at(stream)));
}

int talus_stream_use(int device, [[maybe_unused]] talus_ptr stream) {
  return TALUS_CUDA_CALL(cuda::stream_use(stream_at(stream)));
}

int talus_stream_synchronize(int device, [[maybe_unused]] talus_ptr stream) {
  return TALUS_CUDA_CALL(cuda::stream_synchronize(stream_at(stream)));
}

int talus_stream_query(int device, [[maybe_unused]] talus_ptr stream, [[maybe_unused]] int* done) {
  return TALUS_CUDA_CALL(require_address("done", done); *done = cuda::stream_query(stream_at(stream)) ? 1 : 0);
}

int talus_record_stream(int device, [[maybe_unused]] talus_ptr block) {
  return TALUS_CUDA_CALL(cuda::use_block(block));
}

talus_ptr talus_event_create(int device) {
  talus_ptr event = nullptr;
  TALUS_CUDA_CALL(event = cuda::event_create());
  return event;
}

int talus_event_free(int device, [[maybe_unused]] talus_ptr event) {
  return TALUS_CUDA_CALL(cuda::event_free(event_at(event)));
}

int talus_event_record(int device, [[maybe_unused]] talus_ptr event) {
  return TALUS_CUDA_CALL(cuda::event_record(event_at(event)));
}

int talus_event_wait(int device, [[maybe_unused]] talus_ptr event) {
  return TALUS_CUDA_CALL(cuda::event_wait(event_at(event)));
}

int talus_event_synchronize(int device, [[maybe_unused]] talus_ptr event) {
  return TALUS_CUDA_CALL(cuda::event_synchronize(event_at(event)));
}

int talus_event_query(int device, [[maybe_unused]] talus_ptr event, [[maybe_unused]] int* done) {
  return TALUS_CUDA_CALL(require_address("done", done); *done = cuda::event_query(event_at(event)) ? 1 : 0);
}

int talus_event_milliseconds(int device, [[maybe_unused]] talus_ptr begin, [[maybe_unused]] talus_ptr end,
                             [[maybe_unused]] double* milliseconds) {
  return TALUS_CUDA_CALL(require_address("milliseconds", milliseconds);
                         *milliseconds = cuda::event_milliseconds(event_at(begin), event_at(end)));
}

const char* talus_gemm_provider(void) {
#if defined(TALUS_HAS_CUDA)
  if (cuda::cublas_used()) return "cublas";
#endif
  return "native";
}

int talus_set_gemm_provider(const char* name) {
  return guarded([&] {
    require_address("the name of the provider", name);
    const bool cublas = std::strcmp(name, "cublas") == 0;
    if (!cublas && std::strcmp(name, "native") != 0)
      fail(TALUS_INVALID_ARGUMENT, "gemm: unknown provider '%s', expected native or cublas", name);
#if defined(TALUS_HAS_CUDA)
    cuda::use_cublas(cublas);
#else
    if (cublas) fail(TALUS_UNSUPPORTED, "gemm: %s", kNoCublas);
#endif
  });
}

int talus_cublas_entries(const int64_t* entries) {
  return guarded([&] {
    require_address("the array of cuBLAS's functions", entries);
#if defined(TALUS_HAS_CUDA)
    cuda::set_cublas(entries);
#else
    fail(TALUS_UNSUPPORTED, "%s", kNoCublas);
#endif
  });
}

int talus_graph_begin(int device) { return TALUS_CUDA_CALL(cuda::graph_begin()); }

talus_ptr talus_graph_end(int device) {
  talus_ptr graph = nullptr;
  TALUS_CUDA_CALL(graph = cuda::graph_end());
  return graph;
}

int talus_graph_renew(int device, [[maybe_unused]] talus_ptr graph) {
  return TALUS_CUDA_CALL(cuda::graph_renew(static_cast<cuda::Graph*>(graph)));
}

int talus_graph_launch(int device, [[maybe_unused]] talus_ptr graph) {
  return TALUS_CUDA_CALL(cuda::graph_launch(graph_at(graph)));
}

int talus_graph_free(int device, [[maybe_unused]] talus_ptr graph) {
  return TALUS_CUDA_CALL(cuda::graph_free(graph_at(graph)));
}

}  // extern "C"
