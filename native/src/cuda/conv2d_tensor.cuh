// Panels of a convolution's tiles on tensor cores: what conv2d_panel.cuh gathers is copied to shared memory word by
// word, stages ahead, to where TensorTile's product looks for it.
#pragma once

#include "cuda/conv2d_panel.cuh"
#include "cuda/gemm_tensor.cuh"

namespace talus::cuda {

// Of nothing no byte is read, but the address stays one of the operand.
__device__ __forceinline__ static void copy_element(float* to, const ConvElement<float>& element) {
  copy_async<4>(to, element.data + (element.given ? element.offset : 0), element.given ? 4 : 0);
}

// The copies of the first stages have no barrier between them, so taps are worked out as early as copies begin.
template <int Columns, int Threads>
class PatchCopies : public TensorLayout<Columns, false>,
                    public PatchColumns<float, Columns, kTensorDepth, Threads, kTensorStages - 1> {
  using Layout = TensorLayout<Columns, false>;
  using Gathered = PatchColumns<float, Columns, kTensorDepth, Threads, kTensorStages - 1>;

 public:
  using Gathered::Gathered;

  __device__ __forceinline__ void copy(typename Layout::Shared& panel, int k_left) {
    this->gather(k_left, [&](int i, const ConvElement<float>& element) {
      copy_element(&panel[Layout::at(Gathered::term(i), Gathered::column())], element);
    });
  }
};

template <int Rows, int Threads, class Source>
class TermCopies : public TensorLayout<Rows, true>, public TermRows<Rows, kTensorDepth, Threads, Source> {
  using Layout = TensorLayout<Rows, true>;
  using Gathered = TermRows<Rows, kTensorDepth, Threads, Source>;

 public:
  using Gathered::Gathered;

  __device__ __forceinline__ void copy(typename Layout::Shared& panel, int k_left) {
    this->gather(
        k_left, [](int line) { return Layout::row_at(line); },
        [&](int j, const ConvElement<float>& element) {
          copy_element(&panel[Gathered::line(j) * kTensorDepth + Gathered::term()], element);
        });
  }
};

template <int M, int N, int WarpM>
struct ConvPanels<TensorTile<M, N, WarpM>> {
  static constexpr int kThreads = TensorTile<M, N, WarpM>::kThreads;
  using Patches = PatchCopies<N, kThreads>;
  template <int Rows, class Source>
  using Terms = TermCopies<Rows, kThreads, Source>;
};

}  // namespace talus::cuda
