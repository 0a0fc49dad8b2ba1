package dev.talus;

/**
 * How a convolution and its two gradients are computed; see {@link Talus#convAlgorithms}.
 *
 * <p>A measured rule chooses by shape; {@link Talus#convRules} and {@code talus doctor --conv}
 * print it. The system property {@code talus.conv}, read before the first convolution, overrides
 * it, for all passes ({@code -Dtalus.conv=gemm}) or by pass ({@code
 * -Dtalus.conv=forward=gemm,weight=direct}). The algorithms:
 *
 * <ul>
 *   <li>{@code auto}: the rule chooses, the default
 *   <li>{@code direct}: every shape, but not the gradient of the input of a convolution that is
 *       both strided and dilated
 *   <li>{@code gemm}: every shape
 *   <li>{@code winograd}: float32 with 3x3 kernels of stride 1 and dilation 1. A quarter of the
 *       multiplications; rounding errors are some 1e-6 of the largest value, and an infinite or NaN
 *       input makes all 4x4 outputs of the tiles that read it NaN
 *   <li>{@code winograd1d}: the output and the gradient of the input, float32 with kernels 3 high
 *       of stride 1 and dilation 1. Half of the multiplications; rounding errors are some 1e-7 of
 *       the largest value, and an infinite or NaN input makes the 4 outputs of a column that read
 *       it NaN
 *   <li>{@code depthwise}: some kernels of one input channel per group
 *   <li>{@code channels}: no dilation, and as many outputs of a group (input channels, for their
 *       gradient) as fill a processor's registers, or halves of them: multiples of 8 or 16
 * </ul>
 *
 * An algorithm that cannot compute a shape leaves it to the rule.
 *
 * @param forward computes the output
 * @param input computes the gradient of the images
 * @param weight computes the gradient of the kernels
 */
public record ConvAlgorithms(String forward, String input, String weight) {
  /** In the property's form: {@code forward=direct,input=gemm,weight=gemm}. */
  @Override
  public String toString() {
    return "forward=" + forward + ",input=" + input + ",weight=" + weight;
  }
}
