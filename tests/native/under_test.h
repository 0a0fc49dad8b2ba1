// The kernels that a test drives: the CPU's, or in programs built for it CUDA's, which the same test then compares with
// the reference. A test that uses this namespace for every call it makes is a test of both.
#pragma once

#if defined(TALUS_TEST_CUDA)
#include "cuda_under_test.h"
#else
#include "kernels.h"
namespace under_test = talus::cpu;
#endif

// Sums of numbers below 1 seldom reach ReLU6's bound; this one they do.
constexpr talus::Activation kLowBound{true, 0, 0.5f};
