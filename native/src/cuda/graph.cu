// Graphs: capture, replay, and what changes from one replay to the next.
#include "cuda/graph.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "cuda/cublas.h"
#include "cuda/device.cuh"
#include "cuda/memory.h"
#include "error.h"

namespace talus::cuda {

class Graph {
 public:
  explicit Graph(cudaStream_t stream) : origin(stream), device(cuda::current_device()) {
    TALUS_CHECK_CUDA(cudaEventCreateWithFlags(&launched, cudaEventDisableTiming));
  }
  ~Graph() { static_cast<void>(cudaEventDestroy(launched)); }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Random numbers of one generator: its state in device memory, and how much one replay draws.
  struct Source {
    Generator* generator;
    PhiloxBlocks* state;
    int64_t blocks;
  };
  struct Parameters {
    void* at;
    size_t bytes;
  };

  const cudaStream_t origin;
  const int device;
  uint64_t number = 0;
  cudaGraphExec_t executable = nullptr;
  // Of the last launch.
  cudaEvent_t launched = nullptr;
  int pool = 0;
  std::vector<Source> sources;
  std::vector<Parameters> parameters;
  // How many of them this replay knows.
  size_t renewed = 0;
};

namespace {

struct Captures {
  std::mutex mutex;
  std::unordered_map<cudaStream_t, Graph*> by_stream;
  uint64_t last_number = 0;
  // So that where nothing is captured, asking costs nothing.
  std::atomic<size_t> streams{0};
};

Captures& captures() {
  static Captures& all = *new Captures;
  return all;
}

// The graph that the current stream is captured into, or null.
Graph* captured() {
  Captures& c = captures();
  if (c.streams.load(std::memory_order_acquire) == 0) return nullptr;
  const cudaStream_t stream = current_stream();
  const std::lock_guard<std::mutex> lock(c.mutex);
  const auto found = c.by_stream.find(stream);
  return found == c.by_stream.end() ? nullptr : found->second;
}

Graph*& renewing() {
  thread_local Graph* graph = nullptr;
  return graph;
}

__global__ void set_source(PhiloxBlocks* state, PhiloxBlocks value) { *state = value; }

// Gives back what belongs to the graph; nothing of it runs any more.
void free_memory(Graph& graph) {
  for (const Graph::Source& source : graph.sources) release(source.state);
  for (const Graph::Parameters& parameters : graph.parameters) release(parameters.at);
  release_pool(graph.device, graph.pool);
}

}  // namespace

uint64_t capture_number() {
  const Graph* const graph = captured();
  return graph == nullptr ? 0 : graph->number;
}

bool join_capture(uint64_t number) {
  Captures& c = captures();
  const cudaStream_t stream = current_stream();
  const std::lock_guard<std::mutex> lock(c.mutex);
  for (const auto& entry : c.by_stream) {
    Graph* const graph = entry.second;
    if (graph->number != number) continue;
    if (c.by_stream.emplace(stream, graph).second) {
      c.streams.store(c.by_stream.size(), std::memory_order_release);
      join_pool(graph->device, stream, graph->pool);
    }
    return true;
  }
  return false;
}

void refuse_in_capture(const char* what) {
  if (captured() == nullptr) return;
  fail(TALUS_UNSUPPORTED,
       "%s: a graph is being captured on this stream, and what it is given runs at replays only: until the capture "
       "ends nothing can wait for it, read its results on the host or copy from the host; do that before or after the "
       "capture",
       what);
}

void refuse_beside_capture(const char* what) {
  Captures& c = captures();
  if (c.streams.load(std::memory_order_acquire) == 0) return;
  const int device = current_device();
  const std::lock_guard<std::mutex> lock(c.mutex);
  for (const auto& entry : c.by_stream)
    if (entry.second->device == device)
      fail(TALUS_UNSUPPORTED,
           "%s: a graph is being captured on CUDA device %d, and nothing can wait for the whole device before the "
           "capture ends; wait for a stream or an event that has no part in it, or later",
           what, device);
}

Drawn draw(Generator& generator, int64_t blocks) {
  Graph* const graph = captured();
  if (graph == nullptr) return {nullptr, take_philox(generator, blocks)};
  Graph::Source* source = nullptr;
  for (Graph::Source& known : graph->sources)
    if (known.generator == &generator) source = &known;
  if (source == nullptr) {
    graph->sources.push_back({&generator, static_cast<PhiloxBlocks*>(allocate_lasting(sizeof(PhiloxBlocks))), 0});
    source = &graph->sources.back();
  }
  const Drawn drawn = {source->state, {0, static_cast<uint64_t>(source->blocks)}};
  source->blocks += blocks;
  return drawn;
}

void* captured_parameters(size_t bytes) {
  Graph* const graph = captured();
  if (graph == nullptr) return nullptr;
  graph->parameters.push_back({allocate_lasting(static_cast<int64_t>(bytes)), bytes});
  return graph->parameters.back().at;
}

void* renewed_parameters(size_t bytes) {
  Graph* const graph = renewing();
  if (graph == nullptr) return nullptr;
  if (graph->renewed >= graph->parameters.size() || graph->parameters[graph->renewed].bytes != bytes)
    fail(TALUS_INVALID_ARGUMENT,
         "the graph was captured with another optimizer step than it is given now; capture it again after changing "
         "an optimizer");
  return graph->parameters[graph->renewed++].at;
}

void graph_begin() {
  refuse_in_capture("graph_begin");
  cublas_prepare();
  const cudaStream_t stream = current_stream();
  auto graph = std::make_unique<Graph>(stream);
  graph->pool = begin_pool(graph->device, stream);
  // Relaxed: the allocator may ask the driver for memory meanwhile.
  const cudaError_t error = cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed);
  if (error != cudaSuccess) end_pool(graph->device, graph->pool);
  check(error, "cudaStreamBeginCapture");
  Captures& c = captures();
  const std::lock_guard<std::mutex> lock(c.mutex);
  graph->number = ++c.last_number;
  c.by_stream[stream] = graph.release();
  c.streams.store(c.by_stream.size(), std::memory_order_release);
}

Graph* graph_end() {
  std::unique_ptr<Graph> graph(captured());
  if (graph == nullptr) fail(TALUS_INVALID_ARGUMENT, "graph_end: no graph was begun on this stream");
  if (graph->origin != current_stream()) {
    static_cast<void>(graph.release());
    fail(TALUS_INVALID_ARGUMENT, "graph_end: this stream joined a capture that another one began; end it there");
  }
  cudaGraph_t kept = nullptr;
  cudaError_t error = cudaStreamEndCapture(graph->origin, &kept);
  {
    Captures& c = captures();
    const std::lock_guard<std::mutex> lock(c.mutex);
    for (auto at = c.by_stream.begin(); at != c.by_stream.end();)
      at = at->second == graph.get() ? c.by_stream.erase(at) : std::next(at);
    c.streams.store(c.by_stream.size(), std::memory_order_release);
  }
  end_pool(graph->device, graph->pool);
  const char* call = "cudaStreamEndCapture";
  if (error == cudaSuccess) {
    call = "cudaGraphInstantiate";
    error = cudaGraphInstantiate(&graph->executable, kept, 0);
    static_cast<void>(cudaGraphDestroy(kept));
  }
  // Nothing of it ever ran.
  if (error != cudaSuccess) free_memory(*graph);
  check(error, call);
  return graph.release();
}

void graph_renew(Graph* graph) {
  renewing() = graph;
  if (graph == nullptr) return;
  refuse_in_capture("graph_renew");
  graph->renewed = 0;
  // The replay before this one still reads the old ones.
  TALUS_CHECK_CUDA(cudaStreamWaitEvent(current_stream(), graph->launched, 0));
}

void graph_launch(Graph* graph) {
  refuse_in_capture("graph_launch");
  if (graph->renewed != graph->parameters.size())
    fail(TALUS_INVALID_ARGUMENT,
         "graph_launch: the graph holds %zu optimizer steps, and %zu of them were renewed for this replay; renew "
         "each before each launch",
         graph->parameters.size(), graph->renewed);
  graph->renewed = 0;
  const cudaStream_t stream = current_stream();
  if (!graph->sources.empty()) TALUS_CHECK_CUDA(cudaStreamWaitEvent(stream, graph->launched, 0));
  for (const Graph::Source& source : graph->sources)
    launch(set_source, dim3(1), dim3(1), 0, source.state, take_philox(*source.generator, source.blocks));
  TALUS_CHECK_CUDA(cudaGraphLaunch(graph->executable, stream));
  TALUS_CHECK_CUDA(cudaEventRecord(graph->launched, stream));
}

void graph_free(Graph* graph) {
  refuse_in_capture("graph_free");
  const std::unique_ptr<Graph> owned(graph);
  // What it does still needs its memory.
  TALUS_CHECK_CUDA(cudaEventSynchronize(graph->launched));
  TALUS_CHECK_CUDA(cudaGraphExecDestroy(graph->executable));
  free_memory(*graph);
}

}  // namespace talus::cuda
