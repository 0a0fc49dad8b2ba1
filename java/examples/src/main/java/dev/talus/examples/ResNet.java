package dev.talus.examples;

import dev.talus.Tensor;
import dev.talus.nn.AdaptiveAvgPool2d;
import dev.talus.nn.BatchNorm2d;
import dev.talus.nn.Conv2d;
import dev.talus.nn.F;
import dev.talus.nn.Linear;
import dev.talus.nn.Module;
import dev.talus.nn.Sequential;

/**
 * A residual network for small images (32 x 32, three channels): a first convolution that keeps the
 * size, and four stages of basic blocks with 64 to 512 channels. Two blocks a stage make ResNet-18.
 *
 * @see <a href="https://arxiv.org/abs/1512.03385">Deep Residual Learning for Image Recognition</a>
 */
public final class ResNet extends Module {
  private final Conv2d conv1 = register("conv1", convolution(3, 64, 3, 1));
  private final BatchNorm2d bn1 = register("bn1", new BatchNorm2d(64));
  private final Sequential layer1;
  private final Sequential layer2;
  private final Sequential layer3;
  private final Sequential layer4;
  private final AdaptiveAvgPool2d avgpool;
  private final Linear fc;

  /**
   * A network with PyTorch's default initialisation.
   *
   * @param blocks basic blocks of each of the four stages
   * @param classes the number of classes
   */
  public ResNet(int[] blocks, int classes) {
    layer1 = register("layer1", stage(64, 64, blocks[0], 1));
    layer2 = register("layer2", stage(64, 128, blocks[1], 2));
    layer3 = register("layer3", stage(128, 256, blocks[2], 2));
    layer4 = register("layer4", stage(256, 512, blocks[3], 2));
    avgpool = register("avgpool", new AdaptiveAvgPool2d(1));
    fc = register("fc", new Linear(512, classes));
  }

  /**
   * ResNet-18.
   *
   * @param classes the number of classes
   */
  public static ResNet resNet18(int classes) {
    return new ResNet(new int[] {2, 2, 2, 2}, classes);
  }

  private static Conv2d convolution(int in, int out, int kernel, int stride) {
    return new Conv2d(
        in, out, kernel, Conv2d.options().stride(stride).padding(kernel / 2).bias(false));
  }

  private static Sequential stage(int in, int out, int blocks, int stride) {
    Module[] modules = new Module[blocks];
    for (int i = 0; i < blocks; i++) {
      modules[i] = i == 0 ? new BasicBlock(in, out, stride) : new BasicBlock(out, out, 1);
    }
    return new Sequential(modules);
  }

  /**
   * Computes the scores of the classes.
   *
   * @param x images [N, 3, H, W]
   * @return scores [N, classes], not normalised
   */
  @Override
  public Tensor forward(Tensor x) {
    x = F.relu(bn1.forward(conv1.forward(x)));
    x = layer4.forward(layer3.forward(layer2.forward(layer1.forward(x))));
    return fc.forward(avgpool.forward(x).flatten(1, -1));
  }

  /** Two convolutions, and a way around them. */
  public static final class BasicBlock extends Module {
    private final Conv2d conv1;
    private final BatchNorm2d bn1;
    private final Conv2d conv2;
    private final BatchNorm2d bn2;
    private final Sequential downsample;

    /**
     * A block.
     *
     * @param in channels of the input
     * @param out channels of the output
     * @param stride of the first convolution
     */
    public BasicBlock(int in, int out, int stride) {
      conv1 = register("conv1", convolution(in, out, 3, stride));
      bn1 = register("bn1", new BatchNorm2d(out));
      conv2 = register("conv2", convolution(out, out, 3, 1));
      bn2 = register("bn2", new BatchNorm2d(out));
      downsample =
          stride == 1 && in == out
              ? null
              : register(
                  "downsample",
                  new Sequential(convolution(in, out, 1, stride), new BatchNorm2d(out)));
    }

    @Override
    public Tensor forward(Tensor x) {
      Tensor y = F.relu(bn1.forward(conv1.forward(x)));
      y = bn2.forward(conv2.forward(y));
      return F.relu(y.add(downsample == null ? x : downsample.forward(x)));
    }
  }
}
