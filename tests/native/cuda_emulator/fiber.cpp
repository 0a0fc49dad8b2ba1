// Switching stacks: a few instructions, because a kernel switches twice for every thread and barrier.
#include "fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// Saves what a called function must keep on the stack and that stack's pointer in *from, then goes on where `to` was
// saved.
extern "C" void talus_emulator_switch(void** from, void* to);

#if defined(__x86_64__)
asm(R"(
.text
.globl talus_emulator_switch
.hidden talus_emulator_switch
.type talus_emulator_switch, @function
talus_emulator_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size talus_emulator_switch, .-talus_emulator_switch
)");
#elif defined(__aarch64__)
asm(R"(
.text
.globl talus_emulator_switch
.hidden talus_emulator_switch
.type talus_emulator_switch, %function
talus_emulator_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size talus_emulator_switch, .-talus_emulator_switch
)");
#else
#error "the CUDA emulator knows x86-64 and aarch64; another architecture needs its own switch of stacks here"
#endif

namespace emulator {

namespace {

// One block runs at a time, in one host thread: the scheduler's side of the switch is one for all fibers.
void* scheduler = nullptr;
Fiber* current = nullptr;

#if defined(__SANITIZE_ADDRESS__)
const void* scheduler_stack = nullptr;
size_t scheduler_bytes = 0;
void* scheduler_fake = nullptr;
#endif

}  // namespace

Fiber::~Fiber() {
  if (stack_ != nullptr) munmap(stack_, kStackBytes);
}

void Fiber::prepare(void (*body)(void*), void* argument) {
  if (stack_ == nullptr) {
    stack_ = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack_ == MAP_FAILED) std::abort();
    // A stack that is too small faults instead of writing elsewhere.
    mprotect(stack_, static_cast<size_t>(getpagesize()), PROT_NONE);
  }
#if defined(__SANITIZE_ADDRESS__)
  // A thread that was stopped half-way left its frames' red zones behind; the guard page has none.
  if (abandoned_) __asan_unpoison_memory_region(stack_, kStackBytes);
#endif
  abandoned_ = true;
  body_ = body;
  argument_ = argument;
  // What talus_emulator_switch will take off the stack: registers, whose values do not matter, and where to go.
  auto* top = reinterpret_cast<void**>(static_cast<char*>(stack_) + kStackBytes);
#if defined(__x86_64__)
  *--top = nullptr;  // where enter() would return to: a called function finds its stack 8 bytes off a multiple of 16
  *--top = reinterpret_cast<void*>(&Fiber::enter);
  for (int i = 0; i < 6; ++i) *--top = nullptr;
#else
  top -= 20;
  for (int i = 0; i < 20; ++i) top[i] = nullptr;
  top[11] = reinterpret_cast<void*>(&Fiber::enter);  // x30
#endif
  saved_ = top;
}

void Fiber::enter() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_bytes);
#endif
  current->body_(current->argument_);
  std::abort();
}

void Fiber::resume() {
  current = this;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&scheduler_fake, stack_, kStackBytes);
#endif
  talus_emulator_switch(&scheduler, saved_);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(scheduler_fake, nullptr, nullptr);
#endif
}

void Fiber::suspend() {
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, scheduler_stack, scheduler_bytes);
#endif
  talus_emulator_switch(&saved_, scheduler);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, &scheduler_stack, &scheduler_bytes);
#endif
}

void Fiber::finish() {
  abandoned_ = false;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(nullptr, scheduler_stack, scheduler_bytes);
#endif
  talus_emulator_switch(&saved_, scheduler);
}

}  // namespace emulator
