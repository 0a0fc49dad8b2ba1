// The loops that reach the processor's peak of float32 multiply-adds.
#pragma once

namespace bench {

// Runs `repeats` times through a block of independent fused multiply-adds and returns the number of operations done,
// a multiply-add counting as two.
using FmaLoop = double (*)(int repeats);

// The loop of the widest instruction set that this processor has; null if it has none with fused multiply-add.
FmaLoop widest_fma();

}  // namespace bench
