// Capture keeps operations instead of queueing them; a graph runs them as one operation of the stream it is launched
// on.
#include "runtime.h"

struct CUgraphExec_st {
  std::vector<std::function<cudaError_t()>> operations;
};

using namespace emulator;

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode) {
  const RuntimeLock lock(runtime_mutex());
  // The default stream cannot be captured.
  if (handle == nullptr) return remember(cudaErrorStreamCaptureUnsupported);
  CUstream_st* stream = stream_at(handle);
  if (stream == nullptr || stream->capturing != nullptr) return remember(cudaErrorInvalidResourceHandle);
  stream->capturing = new CUgraph_st;
  stream->capturing->origin = stream;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  const RuntimeLock lock(runtime_mutex());
  CUstream_st* stream = stream_at(handle);
  if (stream == nullptr || stream->capturing == nullptr || stream->capturing->origin != stream)
    return remember(cudaErrorStreamCaptureUnmatched);
  *graph = stream->capturing;
  end_capture(*graph);
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  const RuntimeLock lock(runtime_mutex());
  CUstream_st* stream = stream_at(handle);
  if (stream == nullptr) return remember(cudaErrorInvalidResourceHandle);
  *status = stream->capturing != nullptr ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  const RuntimeLock lock(runtime_mutex());
  *executable = new CUgraphExec_st{graph->operations};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const RuntimeLock lock(runtime_mutex());
  return enqueue(stream, [operations = executable->operations] {
    for (const auto& run : operations) {
      const cudaError_t error = run();
      if (error != cudaSuccess) return error;
    }
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const RuntimeLock lock(runtime_mutex());
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  const RuntimeLock lock(runtime_mutex());
  delete executable;
  return cudaSuccess;
}
