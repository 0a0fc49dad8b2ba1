package dev.talus.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.BatchNormOptions;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.Conv2dOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The examples' ResNet-18 and VGG-11 for images of 32 x 32 and ten classes, in libtorch: its own
 * layers, with ReLU and sums in place, as torchvision has them. All layers are registered in one
 * module, in the order of Talus's.
 */
final class TorchCifar {
  /** Stands for a pooling. */
  static final int POOL = 0;

  /** Channels of VGG-11's convolutions. */
  static final int[] VGG_11 = {64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0};

  private final Module net = new Module();
  private final UnaryOperator<Tensor> forward;
  private int layers;

  private TorchCifar(boolean residual) {
    UnaryOperator<Tensor> features = residual ? resNet18() : vgg11();
    LinearImpl linear = net.register_module("linear", new LinearImpl(512, 10));
    forward = x -> linear.forward(torch.flatten(features.apply(x), 1, -1));
  }

  static Trainer vgg11(Nets.Batch batch) {
    TorchCifar cifar = new TorchCifar(false);
    return new TorchTrainer(cifar.net, cifar.forward, batch);
  }

  static Trainer resNet18(Nets.Batch batch) {
    TorchCifar cifar = new TorchCifar(true);
    return new TorchTrainer(cifar.net, cifar.forward, batch);
  }

  private UnaryOperator<Tensor> vgg11() {
    List<UnaryOperator<Tensor>> steps = new ArrayList<>();
    int in = 3;
    for (int out : VGG_11) {
      if (out == POOL) {
        steps.add(x -> torch.max_pool2d(x, 2, 2));
        continue;
      }
      UnaryOperator<Tensor> convolution = convolution(in, out, 3, 1, true);
      steps.add(x -> torch.relu_(convolution.apply(x)));
      in = out;
    }
    return inTurn(steps);
  }

  private UnaryOperator<Tensor> resNet18() {
    UnaryOperator<Tensor> first = normalised(3, 64, 3, 1);
    List<UnaryOperator<Tensor>> steps = new ArrayList<>();
    steps.add(x -> torch.relu_(first.apply(x)));
    int in = 64;
    for (int out : new int[] {64, 128, 256, 512}) {
      steps.add(basicBlock(in, out));
      steps.add(basicBlock(out, out));
      in = out;
    }
    steps.add(x -> torch.adaptive_avg_pool2d(x, 1, 1));
    return inTurn(steps);
  }

  private UnaryOperator<Tensor> basicBlock(int in, int out) {
    int stride = in == out ? 1 : 2;
    UnaryOperator<Tensor> first = normalised(in, out, 3, stride);
    UnaryOperator<Tensor> second = normalised(out, out, 3, 1);
    UnaryOperator<Tensor> shortcut =
        in == out ? UnaryOperator.identity() : normalised(in, out, 1, stride);
    return x -> {
      Tensor y = second.apply(torch.relu_(first.apply(x)));
      return torch.relu_(y.add_(shortcut.apply(x)));
    };
  }

  private static UnaryOperator<Tensor> inTurn(List<UnaryOperator<Tensor>> steps) {
    return x -> {
      Tensor y = x;
      for (UnaryOperator<Tensor> step : steps) {
        y = step.apply(y);
      }
      return y;
    };
  }

  private UnaryOperator<Tensor> normalised(int in, int out, int kernel, int stride) {
    UnaryOperator<Tensor> convolution = convolution(in, out, kernel, stride, false);
    BatchNorm2dImpl norm =
        net.register_module("norm" + layers++, new BatchNorm2dImpl(new BatchNormOptions(out)));
    return x -> norm.forward(convolution.apply(x));
  }

  private UnaryOperator<Tensor> convolution(int in, int out, int kernel, int stride, boolean bias) {
    Conv2dOptions options = new Conv2dOptions(in, out, new LongPointer(kernel, kernel));
    options.stride().put(new long[] {stride, stride});
    options.padding().put(new LongPointer(kernel / 2, kernel / 2));
    options.bias().put(bias);
    return net.register_module("convolution" + layers++, new Conv2dImpl(options))::forward;
  }
}
