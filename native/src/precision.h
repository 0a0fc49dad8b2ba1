// How exact float32 products have to be on GPUs: settings of the process, one for products of matrices and one for
// convolutions, as PyTorch has them.
#pragma once

namespace talus {

// enum talus_precision. What is queued from now on keeps to it.
void set_float32_matmul_precision(int precision);
int float32_matmul_precision();
void set_conv_fp32_precision(int precision);
int conv_fp32_precision();

}  // namespace talus
