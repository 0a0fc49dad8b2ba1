// Captures of graphs in progress, and what a graph is told anew before each replay: where random numbers go on, and the
// numbers that an optimizer's step takes from the host.
#pragma once

#include <cstddef>
#include <cstdint>

#include "random.h"

namespace talus::cuda {

// The number of the graph that the current stream is captured into, 0 if it is not. No two graphs share one.
uint64_t capture_number();
// What the current stream is given from now on belongs to this capture, too; false if it has ended.
bool join_capture(uint64_t number);

// For what a capture cannot keep. The first throws if the current stream is being captured, the second if any stream of
// the current device is.
void refuse_in_capture(const char* what);
void refuse_beside_capture(const char* what);

// The next blocks of a generator. In a capture `base` is where kernels find seed and block number that the graph goes
// on from in this replay, and `blocks.first` counts from there; the generator stays as it is. Null elsewhere.
struct Drawn {
  const PhiloxBlocks* base;
  PhiloxBlocks blocks;
};
Drawn draw(Generator& generator, int64_t blocks);

// In a capture: memory of the graph's where kernels find these bytes of their parameters. Null elsewhere.
void* captured_parameters(size_t bytes);
// While a graph is renewed (runtime.h): where it keeps its next parameters, in the order in which they were captured.
// Null elsewhere.
void* renewed_parameters(size_t bytes);

}  // namespace talus::cuda
