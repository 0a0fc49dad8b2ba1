// Two accesses of one byte, at least one of them a write, are a race unless something orders them: the same thread, a
// barrier of the block in between, one of the warp, or that both are atomic. Blocks of one launch are never ordered.
#include "shadow.h"

#include <link.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "device_memory.h"
#include "emulator.h"
#include "grid.h"
#include "runtime.h"

namespace emulator {

namespace {

constexpr uint16_t kAtomic = 1;
// Of reads: threads of several warps, or several of one warp, read since the last barrier; or several blocks.
constexpr uint16_t kThreads = 2, kWarps = 4, kBlocks = 8;

struct Access {
  uint32_t launch = 0, block = 0;
  uint16_t thread = 0, barrier = 0, warp = 0, flags = 0;
};

struct Cell {
  Access write, read;
};

struct Region {
  char* base = nullptr;
  size_t bytes = 0;
  Cell* cells = nullptr;
  uint8_t* states = nullptr;

  bool has(const void* at) const { return static_cast<size_t>(static_cast<const char*>(at) - base) < bytes; }
  size_t offset(const void* at) const { return static_cast<size_t>(static_cast<const char*>(at) - base); }
};

bool enabled = false;
Region device_region, shared_region;

struct Range {
  const char *begin, *end;
};
std::vector<Range>* program = nullptr;

void* reserve(size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    std::perror("CUDA emulator: cannot reserve addresses for the shadow of device memory");
    std::abort();
  }
  return at;
}

void make_region(Region& region, char* base, size_t bytes) {
  if (!enabled) return;
  region.cells = static_cast<Cell*>(reserve(bytes * sizeof(Cell)));
  region.states = static_cast<uint8_t*>(reserve(bytes));
  region.base = base;
  region.bytes = bytes;
}

Region* region_of(const void* at) {
  if (shared_region.has(at)) return &shared_region;
  return device_region.has(at) ? &device_region : nullptr;
}

// Constants and the emulator's own variables.
bool in_program(const void* at) {
  if (program == nullptr) {
    program = new std::vector<Range>;
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void*) {
          for (int i = 0; i < info->dlpi_phnum; ++i) {
            const auto& segment = info->dlpi_phdr[i];
            if (segment.p_type != PT_LOAD) continue;
            const char* begin = reinterpret_cast<const char*>(info->dlpi_addr + segment.p_vaddr);
            program->push_back({begin, begin + segment.p_memsz});
          }
          return 0;
        },
        nullptr);
  }
  for (const Range& range : *program)
    if (at >= range.begin && at < range.end) return true;
  return false;
}

bool same_kernel(const Access& a) { return a.launch == running.launch; }

// Whether `a` of this launch may happen at the same time as what the running thread does now.
bool unordered(const Access& a) {
  if (a.block != running.block) return true;
  if (a.barrier != running.barrier) return false;
  if (a.thread / kWarp != running.thread / kWarp) return true;
  return a.thread != running.thread && a.warp == running.warp;
}

// As above, where several threads may have read.
bool reads_unordered(const Access& a) {
  if ((a.flags & kBlocks) != 0 || a.block != running.block) return true;
  if (a.barrier != running.barrier) return false;
  if ((a.flags & kWarps) != 0 || a.thread / kWarp != running.thread / kWarp) return true;
  return a.warp == running.warp && (a.thread != running.thread || (a.flags & kThreads) != 0);
}

Access now(uint16_t flags) {
  return {running.launch, running.block, running.thread, running.barrier, running.warp, flags};
}

void remember_read(Access& read, bool atomic) {
  const uint16_t flag = atomic ? kAtomic : 0;
  if (!same_kernel(read)) {
    read = now(flag);
    return;
  }
  uint16_t flags = read.flags & (atomic ? uint16_t{0xffff} : uint16_t(~kAtomic));
  if (read.block != running.block)
    flags |= kBlocks;
  else if (read.barrier != running.barrier)
    flags &= kBlocks | kAtomic;
  else if (read.thread / kWarp != running.thread / kWarp)
    flags |= kWarps;
  else if (read.warp != running.warp)
    flags &= kBlocks | kWarps | kAtomic;
  else if (read.thread != running.thread)
    flags |= kThreads;
  read = now(flags);
}

const char* name_of(AccessKind kind) {
  return kind == AccessKind::Read ? "read" : kind == AccessKind::Write ? "write" : "atomic access";
}

std::string who(uint32_t block, uint16_t thread) {
  return "thread " + std::to_string(thread) + " of block " + std::to_string(block);
}

std::string place(const void* at, size_t bytes, AccessKind kind, const void* program_counter) {
  char text[160];
  const char* memory = shared_region.has(at) ? "shared" : device_region.has(at) ? "device" : "host";
  std::snprintf(text, sizeof text, "%s of %zu bytes of %s memory at %p by %s (code at %p)", name_of(kind), bytes,
                memory, at, who(running.block, running.thread).c_str(), program_counter);
  return text;
}

}  // namespace

void shadow_enable() {
  enabled = true;
  make_region(shared_region, shared_memory(), kSharedBytes * 2);
}

bool shadow_enabled() { return enabled; }
bool checking() { return enabled; }

void shadow_arena(void* base, size_t bytes) { make_region(device_region, static_cast<char*>(base), bytes); }

void shadow_state(void* at, size_t bytes, ByteState state) {
  if (!enabled) return;
  Region* region = region_of(at);
  if (region == nullptr) return;
  std::memset(region->states + region->offset(at), static_cast<int>(state), bytes);
}

void shadow_copy(void* to, const void* from, size_t bytes) {
  if (!enabled) return;
  const Region *target = region_of(to), *source = region_of(from);
  if (target == nullptr || source == nullptr) return;
  std::memmove(target->states + target->offset(to), source->states + source->offset(from), bytes);
}

void shadow_access(const void* at, size_t bytes, AccessKind kind, const void* program_counter) {
  if (own_stack(at)) return;
  Region* region = region_of(at);
  if (region == nullptr) {
    if (in_program(at) || is_parameter(at) || is_pinned(at)) return;
    std::string what = "host memory is not for kernels: " + place(at, bytes, kind, program_counter);
    stop_kernel(std::move(what));
  }
  if (region == &device_region && device_of(at) != running.device) {
    std::string what = "memory of another device: " + place(at, bytes, kind, program_counter);
    stop_kernel(std::move(what));
  }
  if (reinterpret_cast<uintptr_t>(at) % (bytes & (~bytes + 1)) != 0) {
    std::string what = "misaligned: " + place(at, bytes, kind, program_counter);
    stop_kernel(std::move(what));
  }
  const size_t first = region->offset(at);
  size_t unwritten = 0;
  for (size_t i = first; i < first + bytes; ++i) {
    uint8_t& state = region->states[i];
    if (state == static_cast<uint8_t>(ByteState::Forbidden)) {
      std::string what = "out of bounds: " + place(at, bytes, kind, program_counter);
      stop_kernel(std::move(what));
    }
    if (state == static_cast<uint8_t>(ByteState::Arriving)) {
      std::string what = "an asynchronous copy is on its way: " + place(at, bytes, kind, program_counter);
      stop_kernel(std::move(what));
    }
    Cell& cell = region->cells[i];
    const bool fresh =
        region == &shared_region && !(cell.write.launch == running.launch && cell.write.block == running.block);
    unwritten += fresh || state == static_cast<uint8_t>(ByteState::Allocated);
    // Structs are copied with the padding between their members, which nobody writes: one written byte is enough.
    if (kind != AccessKind::Write && unwritten == bytes) {
      std::string what = "uninitialised: " + place(at, bytes, kind, program_counter);
      stop_kernel(std::move(what));
    }
    const bool atomic = kind == AccessKind::Atomic;
    // Shared memory of another block is other memory at the same address.
    const bool others = !(region == &shared_region && cell.write.block != running.block);
    if (others && same_kernel(cell.write) && !(atomic && (cell.write.flags & kAtomic) != 0) && unordered(cell.write)) {
      std::string what = "race: " + place(at, bytes, kind, program_counter) + " after a write by " +
                         who(cell.write.block, cell.write.thread) + " with no barrier in between";
      stop_kernel(std::move(what));
    }
    if (kind == AccessKind::Read) {
      if (region == &shared_region && cell.read.block != running.block) cell.read.launch = 0;
      remember_read(cell.read, false);
      continue;
    }
    const bool other_reads = !(region == &shared_region && cell.read.block != running.block);
    if (other_reads && same_kernel(cell.read) && reads_unordered(cell.read)) {
      std::string what = "race: " + place(at, bytes, kind, program_counter) + " after a read by " +
                         who(cell.read.block, cell.read.thread) + " with no barrier in between";
      stop_kernel(std::move(what));
    }
    cell.write = now(atomic ? kAtomic : 0);
    state = static_cast<uint8_t>(ByteState::Written);
  }
}

}  // namespace emulator
