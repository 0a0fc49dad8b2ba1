// The caching allocator behind every tensor and every kernel's scratch space. All functions may be called from any
// thread; a block may be released by another thread than the one that allocated it.
#pragma once

#include <cstdint>

namespace talus {

// Blocks are aligned to 64 bytes. Throws Error(TALUS_OUT_OF_MEMORY) at the limit or when the system has no more.
void* allocate(int64_t bytes);
// Throws Error(TALUS_INVALID_ARGUMENT) for an address that is not a live block.
void release(void* block);

// Fills stats[TALUS_MEM_STATS]. Bytes count whole blocks, rounded up to their size class.
void memory_stats(int64_t* stats);
void memory_reset_peak();
// Upper bound on the bytes taken from the operating system, live or cached; none at first.
void memory_set_limit(int64_t bytes);
// Returns cached blocks, those of all threads, to the operating system.
void memory_trim();
// The size classes that hold most live bytes; see talus_memory_holders.
int memory_holders(int rows, int64_t* pairs);

// Scratch memory of a kernel, returned to the cache at the end of the block.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t count) : data_(static_cast<T*>(allocate(count * int64_t{sizeof(T)}))) {}
  ~Scratch() { release(data_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  T* get() const { return data_; }
  T& operator[](int64_t i) const { return data_[i]; }

 private:
  T* data_;
};

}  // namespace talus
