package dev.talus.examples;

import dev.talus.Tensor;
import dev.talus.nn.BatchNorm2d;
import dev.talus.nn.Conv2d;
import dev.talus.nn.Linear;
import dev.talus.nn.MaxPool2d;
import dev.talus.nn.Module;
import dev.talus.nn.ReLU;
import dev.talus.nn.Sequential;
import java.util.ArrayList;
import java.util.List;

/**
 * VGG for 32 x 32 images of three channels: 3 x 3 convolutions, five poolings, and one linear layer
 * as classifier.
 *
 * @see <a href="https://arxiv.org/abs/1409.1556">Very Deep Convolutional Networks</a>
 */
public final class VGG extends Module {
  /** Channels of VGG-11's convolutions; 0 stands for a pooling. */
  private static final int[] ELEVEN = {64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0};

  private final Sequential features;
  private final Linear classifier;

  /**
   * A network with PyTorch's default initialisation.
   *
   * @param channels of the convolutions; 0 stands for a pooling, of which there are five
   * @param batchNorm whether each convolution is followed by a batch norm
   * @param classes the number of classes
   */
  public VGG(int[] channels, boolean batchNorm, int classes) {
    List<Module> layers = new ArrayList<>();
    int in = 3;
    for (int out : channels) {
      if (out == 0) {
        layers.add(new MaxPool2d(2));
        continue;
      }
      layers.add(new Conv2d(in, out, 3, Conv2d.options().padding(1)));
      if (batchNorm) {
        layers.add(new BatchNorm2d(out));
      }
      layers.add(new ReLU());
      in = out;
    }
    features = register("features", new Sequential(layers.toArray(new Module[0])));
    classifier = register("classifier", new Linear(in, classes));
  }

  /**
   * VGG-11.
   *
   * @param batchNorm whether each convolution is followed by a batch norm
   * @param classes the number of classes
   */
  public static VGG vgg11(boolean batchNorm, int classes) {
    return new VGG(ELEVEN, batchNorm, classes);
  }

  /**
   * Computes the scores of the classes.
   *
   * @param x images [N, 3, 32, 32]
   * @return scores [N, classes], not normalised
   */
  @Override
  public Tensor forward(Tensor x) {
    return classifier.forward(features.forward(x).flatten(1, -1));
  }
}
