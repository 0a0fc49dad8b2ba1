package dev.talus.nn;

import dev.talus.Tensor;
import dev.talus.ops.Epilogue;

/**
 * Convolution of batched images with learnt kernels.
 *
 * <p>Weight [out, in/groups, KH, KW] and bias [out] start uniform in ±1/√(in/groups · KH · KW),
 * with PyTorch's numbers.
 *
 * <pre>{@code
 * new Conv2d(1, 6, 3)
 * new Conv2d(6, 16, 3, Conv2d.options().stride(2).padding(1).bias(false))
 * }</pre>
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html">Conv2d</a>
 */
public final class Conv2d extends Module {
  /**
   * What a convolution may differ in; starts as stride 1, padding 0, dilation 1, one group, bias.
   */
  public static final class Options {
    private int[] stride = {1, 1};
    private int[] padding = {0, 0};
    private int[] dilation = {1, 1};
    private int groups = 1;
    private boolean bias = true;

    private Options() {}

    /**
     * Sets the distance of neighbouring windows.
     *
     * @param values one number, or those of height and width; more than 0
     */
    public Options stride(int... values) {
      stride = Arguments.pair(Arguments.sizes("Conv2d", "stride", values, 1));
      return this;
    }

    /**
     * Sets how many zeros go around the images.
     *
     * @param values one number, or those of height and width; 0 or more
     */
    public Options padding(int... values) {
      padding = Arguments.pair(Arguments.sizes("Conv2d", "padding", values, 0));
      return this;
    }

    /**
     * Sets the distance of neighbouring kernel elements.
     *
     * @param values one number, or those of height and width; more than 0
     */
    public Options dilation(int... values) {
      dilation = Arguments.pair(Arguments.sizes("Conv2d", "dilation", values, 1));
      return this;
    }

    /**
     * Sets how many blocks of channels are kept apart.
     *
     * @param value divides both numbers of channels
     */
    public Options groups(int value) {
      Arguments.atLeast("Conv2d", "groups", value, 1);
      groups = value;
      return this;
    }

    /**
     * Sets whether a bias is added.
     *
     * @param value true for a bias
     */
    public Options bias(boolean value) {
      bias = value;
      return this;
    }
  }

  private final int inChannels;
  private final int outChannels;
  private final int[] kernel;
  private final int[] stride;
  private final int[] padding;
  private final int[] dilation;
  private final int groups;
  private final Parameter weight;
  private final Parameter bias;

  /** Options to change and hand to a constructor. */
  public static Options options() {
    return new Options();
  }

  /**
   * With a square kernel and the default options.
   *
   * @param inChannels channels of the input
   * @param outChannels channels of the output
   * @param kernelSize height and width of the kernel
   */
  public Conv2d(int inChannels, int outChannels, int kernelSize) {
    this(inChannels, outChannels, kernelSize, options());
  }

  /**
   * With a square kernel.
   *
   * @param inChannels channels of the input
   * @param outChannels channels of the output
   * @param kernelSize height and width of the kernel
   * @param options stride, padding and so on
   */
  public Conv2d(int inChannels, int outChannels, int kernelSize, Options options) {
    this(inChannels, outChannels, new int[] {kernelSize}, options);
  }

  /**
   * With any kernel.
   *
   * @param inChannels channels of the input
   * @param outChannels channels of the output
   * @param kernelSize one number, or height and width
   * @param options stride, padding and so on
   * @throws IllegalArgumentException if a size is not allowed, or groups do not divide the channels
   */
  public Conv2d(int inChannels, int outChannels, int[] kernelSize, Options options) {
    Arguments.atLeast("Conv2d", "in_channels", inChannels, 1);
    Arguments.atLeast("Conv2d", "out_channels", outChannels, 1);
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    kernel = Arguments.pair(Arguments.sizes("Conv2d", "kernel_size", kernelSize, 1));
    stride = options.stride;
    padding = options.padding;
    dilation = options.dilation;
    groups = options.groups;
    checkGroups("in_channels", inChannels);
    checkGroups("out_channels", outChannels);
    weight =
        register(
            "weight",
            Parameter.uninitialized(outChannels, inChannels / groups, kernel[0], kernel[1]));
    bias = options.bias ? register("bias", Parameter.uninitialized(outChannels)) : null;
    Linear.resetParameters(weight, bias);
  }

  private void checkGroups(String what, int channels) {
    if (channels % groups != 0) {
      throw new IllegalArgumentException(
          what + " must be divisible by groups, got " + channels + " and " + groups);
    }
  }

  /** The kernels, [out, in/groups, KH, KW]. */
  public Parameter weight() {
    return weight;
  }

  /** The bias, [out], or null. */
  public Parameter bias() {
    return bias;
  }

  /**
   * Slides the kernels over the images.
   *
   * @param x [N, in, H, W]
   * @return [N, out, OH, OW]
   * @throws IllegalArgumentException naming this layer, if the shape or type does not fit
   */
  @Override
  public Tensor forward(Tensor x) {
    return forward(x, Epilogue.NONE);
  }

  @Override
  Tensor forward(Tensor x, Epilogue epilogue) {
    if (x.dim() == 4 && x.size(1) != inChannels) {
      throw refusal(
          "expected input of shape [N, " + inChannels + ", H, W], got " + x.shape(), null);
    }
    try {
      return dev.talus.ops.Conv2d.apply(
          x, weight, bias, stride, padding, dilation, groups, epilogue);
    } catch (IllegalArgumentException e) {
      throw refusal(e.getMessage(), e);
    }
  }

  @Override
  protected String extraRepr() {
    StringBuilder text =
        new StringBuilder()
            .append(inChannels)
            .append(", ")
            .append(outChannels)
            .append(", kernel_size=")
            .append(Arguments.python(kernel))
            .append(", stride=")
            .append(Arguments.python(stride));
    if (!Arguments.isEvery(padding, 0)) {
      text.append(", padding=").append(Arguments.python(padding));
    }
    if (!Arguments.isEvery(dilation, 1)) {
      text.append(", dilation=").append(Arguments.python(dilation));
    }
    if (groups != 1) {
      text.append(", groups=").append(groups);
    }
    return text.append(bias == null ? ", bias=False" : "").toString();
  }
}
