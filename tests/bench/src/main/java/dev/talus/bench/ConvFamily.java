package dev.talus.bench;

import dev.talus.nn.F;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/** Convolutions: each distinct layer of well-known networks, for images of 224 x 224. */
final class ConvFamily implements Family {
  /** A square layer. */
  private record Layer(
      String net, int c, int o, int size, int kernel, int stride, int pad, int groups) {}

  private static final List<Layer> DENSE =
      List.of(
          new Layer("resnet18", 3, 64, 224, 7, 2, 3, 1),
          new Layer("resnet18", 64, 64, 56, 3, 1, 1, 1),
          new Layer("resnet18", 64, 128, 56, 3, 2, 1, 1),
          new Layer("resnet18", 64, 128, 56, 1, 2, 0, 1),
          new Layer("resnet18", 128, 128, 28, 3, 1, 1, 1),
          new Layer("resnet18", 128, 256, 28, 3, 2, 1, 1),
          new Layer("resnet18", 128, 256, 28, 1, 2, 0, 1),
          new Layer("resnet18", 256, 256, 14, 3, 1, 1, 1),
          new Layer("resnet18", 256, 512, 14, 3, 2, 1, 1),
          new Layer("resnet18", 256, 512, 14, 1, 2, 0, 1),
          new Layer("resnet18", 512, 512, 7, 3, 1, 1, 1),
          new Layer("resnet50", 64, 64, 56, 1, 1, 0, 1),
          new Layer("resnet50", 64, 256, 56, 1, 1, 0, 1),
          new Layer("resnet50", 256, 64, 56, 1, 1, 0, 1),
          new Layer("resnet50", 256, 128, 56, 1, 1, 0, 1),
          new Layer("resnet50", 128, 128, 56, 3, 2, 1, 1),
          new Layer("resnet50", 128, 512, 28, 1, 1, 0, 1),
          new Layer("resnet50", 256, 512, 56, 1, 2, 0, 1),
          new Layer("resnet50", 512, 128, 28, 1, 1, 0, 1),
          new Layer("resnet50", 512, 256, 28, 1, 1, 0, 1),
          new Layer("resnet50", 256, 256, 28, 3, 2, 1, 1),
          new Layer("resnet50", 256, 1024, 14, 1, 1, 0, 1),
          new Layer("resnet50", 512, 1024, 28, 1, 2, 0, 1),
          new Layer("resnet50", 1024, 256, 14, 1, 1, 0, 1),
          new Layer("resnet50", 1024, 512, 14, 1, 1, 0, 1),
          new Layer("resnet50", 512, 512, 14, 3, 2, 1, 1),
          new Layer("resnet50", 512, 2048, 7, 1, 1, 0, 1),
          new Layer("resnet50", 1024, 2048, 14, 1, 2, 0, 1),
          new Layer("resnet50", 2048, 512, 7, 1, 1, 0, 1),
          new Layer("vgg16", 3, 64, 224, 3, 1, 1, 1),
          new Layer("vgg16", 64, 64, 224, 3, 1, 1, 1),
          new Layer("vgg16", 64, 128, 112, 3, 1, 1, 1),
          new Layer("vgg16", 128, 128, 112, 3, 1, 1, 1),
          new Layer("vgg16", 128, 256, 56, 3, 1, 1, 1),
          new Layer("vgg16", 256, 256, 56, 3, 1, 1, 1),
          new Layer("vgg16", 256, 512, 28, 3, 1, 1, 1),
          new Layer("vgg16", 512, 512, 28, 3, 1, 1, 1),
          new Layer("vgg16", 512, 512, 14, 3, 1, 1, 1));

  private static final List<Layer> GROUPED =
      List.of(
          new Layer("mobilenet", 32, 32, 112, 3, 1, 1, 32),
          new Layer("mobilenet", 96, 96, 112, 3, 2, 1, 96),
          new Layer("mobilenet", 144, 144, 56, 3, 1, 1, 144),
          new Layer("mobilenet", 144, 144, 56, 3, 2, 1, 144),
          new Layer("mobilenet", 192, 192, 28, 3, 1, 1, 192),
          new Layer("mobilenet", 192, 192, 28, 3, 2, 1, 192),
          new Layer("mobilenet", 384, 384, 14, 3, 1, 1, 384),
          new Layer("mobilenet", 576, 576, 14, 3, 1, 1, 576),
          new Layer("mobilenet", 576, 576, 14, 3, 2, 1, 576),
          new Layer("mobilenet", 960, 960, 7, 3, 1, 1, 960),
          new Layer("resnext50", 128, 128, 56, 3, 1, 1, 32),
          new Layer("resnext50", 256, 256, 56, 3, 2, 1, 32),
          new Layer("resnext50", 256, 256, 28, 3, 1, 1, 32),
          new Layer("resnext50", 512, 512, 28, 3, 2, 1, 32),
          new Layer("resnext50", 512, 512, 14, 3, 1, 1, 32),
          new Layer("resnext50", 1024, 1024, 14, 3, 2, 1, 32),
          new Layer("resnext50", 1024, 1024, 7, 3, 1, 1, 32));

  private static final double GROUPED_TARGET = 1.5;

  private final boolean grouped;

  /**
   * A family.
   *
   * @param grouped depthwise and grouped layers instead of those that see all channels
   */
  ConvFamily(boolean grouped) {
    this.grouped = grouped;
  }

  @Override
  public String name() {
    return grouped ? "depthwise" : "conv";
  }

  @Override
  public String title() {
    return grouped
        ? "depthwise and grouped convolutions of MobileNet-v2 and ResNeXt-50 32x4d"
        : "convolutions of ResNet-18, ResNet-50 and VGG-16";
  }

  @Override
  public double meanTarget() {
    return grouped ? 0 : 1.6;
  }

  @Override
  public List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    for (int n : new int[] {1, 32}) {
      for (Layer layer : grouped ? GROUPED : DENSE) {
        rows.add(row(layer, n, false));
        rows.add(row(layer, n, true));
      }
    }
    return rows;
  }

  private static Row row(Layer l, int n, boolean backward) {
    int out = (l.size + 2 * l.pad - l.kernel) / l.stride + 1;
    String name =
        String.format(
            "%s n%d %d>%d %dx%d k%d s%d %s",
            l.net, n, l.c, l.o, l.size, l.size, l.kernel, l.stride, backward ? "fwd+bwd" : "fwd");
    // A network's first layer computes no gradient of the images.
    Input x = l.c == 3 ? Input.constant(n, l.c, l.size, l.size) : Input.of(n, l.c, l.size, l.size);
    Input weight = Input.of(l.o, l.c / l.groups, l.kernel, l.kernel);
    double flops = 2.0 * n * l.o * out * out * (l.c / l.groups) * l.kernel * l.kernel;
    double passes = !backward ? 1 : l.c == 3 ? 2 : 3;
    double bytes = 4.0 * n * (l.c * l.size * l.size + l.o * out * out);
    boolean streams = l.groups == l.c;
    int[] stride = {l.stride};
    int[] pad = {l.pad};
    int[] dilation = {1};
    long[] strides = {l.stride, l.stride};
    long[] pads = {l.pad, l.pad};
    long[] dilations = {1, 1};
    return new Row(
            name,
            streams ? 0 : flops * passes,
            streams ? bytes * passes : 0,
            l.groups > 1 ? GROUPED_TARGET : 1.0,
            () -> {
              TensorOptional none = new TensorOptional();
              return new OpWork(
                  List.of(x, weight),
                  t -> F.conv2d(t[0], t[1], null, stride, pad, dilation, l.groups),
                  t -> torch.conv2d(t[0], t[1], none, strides, pads, dilations, l.groups),
                  backward);
            })
        .withHeld(streams ? bytes : 0);
  }
}
