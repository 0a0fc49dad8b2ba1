// cuBLAS as another way to multiply matrices. Its functions come as addresses, so this library neither links nor looks
// for it: whoever wants it brings it.
#pragma once

#include <cstdint>

namespace talus {
struct GemmParams;
}

namespace talus::cuda {

// Keeps the addresses, one for each talus_cublas_entry, if none are known yet; throws if one is missing.
void set_cublas(const int64_t* entries);
// Whether products go to cuBLAS from now on; throws if they shall and its addresses are not known.
void use_cublas(bool use);
bool cublas_used();
// Makes the current device's handle if products go to cuBLAS: it takes memory and may wait for the device, which must
// not happen while a graph is captured.
void cublas_prepare();

// What cuda::gemm_at does, computed by cuBLAS; there must be something to sum up (k > 0).
void cublas_gemm(int precision, int dtype, const GemmParams& p);

}  // namespace talus::cuda
