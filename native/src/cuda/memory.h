// Device memory: a caching allocator for each device with the counters and limits of the CPU's, and copies between host
// and device. Functions without a device argument mean the calling thread's current one.
#pragma once

#include <cstddef>
#include <cstdint>

struct CUstream_st;

namespace talus::cuda {

// For work of the current stream. Blocks are aligned to 64 bytes. Throws Error(TALUS_OUT_OF_MEMORY) at the limit or
// when the device has no more.
void* allocate(int64_t bytes);
// The work that uses the block may still be queued, on the stream that is current now and on the one that was when it
// was allocated: who gets the block next waits, on the device, for those of the two that are not its own, and for those
// of use_block. Any thread may release it. Throws Error(TALUS_INVALID_ARGUMENT) for an address that is no live block of
// any device.
void release(void* block);
// The current stream uses a live block, too: after its release, who gets it next waits for what this stream has been
// given by then. Throws as release does.
void use_block(void* block);

void memory_stats(int64_t* stats);
void memory_reset_peak();
void memory_set_limit(int64_t bytes);
// Returns idle blocks to the driver.
void memory_trim();
int memory_holders(int rows, int64_t* pairs);

// Between host arrays and the device, in order with the current stream. put may return before the bytes are there, but
// not before it has read them; get returns when they are.
void put(void* device, const void* host, int64_t bytes);
void get(void* host, const void* device, int64_t bytes);
// From one device to another, in order with the current streams of both, without waiting for either.
void transfer(int from_device, const void* from, int to_device, void* to, int64_t bytes);

// Blocks allocated or freed on this stream need not wait for it any more: it has no work left.
void forget_stream(int device, CUstream_st* stream);
// What is allocated or freed on this stream while a graph is captured belongs to a pool of its own, because the graph
// will use it again. begin_pool waits for what the device was given before, so call it before the capture begins, and
// end_pool after it has ended. Other streams may join: join_pool waits for what they were given before, so call it
// before they are drawn in. release_pool: when the graph is gone.
int begin_pool(int device, CUstream_st* stream);
void join_pool(int device, CUstream_st* stream, int pool);
void end_pool(int device, int pool);
void release_pool(int device, int pool);
// Memory that no graph uses, not even the one being captured, and no stream either: what is written there before a
// replay stays through all of it. Released as any.
void* allocate_lasting(int64_t bytes);

// Scratch memory of a launch, returned to the cache at the end of the block.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t count) : data_(static_cast<T*>(allocate(count * int64_t{sizeof(T)}))) {}
  ~Scratch() { release(data_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  T* get() const { return data_; }

 private:
  T* data_;
};

}  // namespace talus::cuda
