// How exact products of float32 matrices have to be: one setting of the process, as PyTorch's of this name.
#pragma once

namespace talus {

// enum talus_precision. What is queued from now on keeps to it.
void set_float32_matmul_precision(int precision);
int float32_matmul_precision();

}  // namespace talus
