package dev.talus.internal;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.internal.print.PrintSource;
import dev.talus.internal.print.TensorPrinter;

/** Lets the printer read a tensor: small ones at once, of large ones only what is shown. */
public final class TensorText implements PrintSource {
  private static final int AT_ONCE = 4096;

  private final Tensor tensor;
  private double[] doubles;
  private long[] longs;

  private TensorText(Tensor tensor) {
    this.tensor = tensor;
    if (tensor.numel() <= AT_ONCE) {
      if (floating()) {
        doubles = tensor.toDoubleArray();
      } else {
        longs = tensor.toLongArray();
      }
    }
  }

  /** PyTorch's text of a tensor. */
  public static String of(Tensor tensor) {
    return TensorPrinter.format(new TensorText(tensor));
  }

  @Override
  public long[] shape() {
    return tensor.sizes();
  }

  @Override
  public String dtype() {
    return tensor.dtype().toString();
  }

  @Override
  public boolean floating() {
    return tensor.dtype().isFloating();
  }

  @Override
  public boolean bool() {
    return tensor.dtype() == DType.BOOL;
  }

  @Override
  public double doubleAt(long[] index) {
    if (doubles != null) {
      return doubles[position(index)];
    }
    try (Scope scope = Scope.open()) {
      return element(index).item();
    }
  }

  @Override
  public long longAt(long[] index) {
    if (longs != null) {
      return longs[position(index)];
    }
    try (Scope scope = Scope.open()) {
      return element(index).itemLong();
    }
  }

  private int position(long[] index) {
    long[] strides = Shape.contiguousStrides(tensor.sizes());
    long at = 0;
    for (int d = 0; d < index.length; d++) {
      at += index[d] * strides[d];
    }
    return Math.toIntExact(at);
  }

  private Tensor element(long[] index) {
    long at = tensor.geometry().offset();
    for (int d = 0; d < index.length; d++) {
      at += index[d] * tensor.strides()[d];
    }
    return tensor.detach().asView(new long[0], new long[0], at);
  }

  @Override
  public String gradFn() {
    return tensor.gradFn() == null ? null : tensor.gradFn().name();
  }

  @Override
  public String device() {
    return tensor.device().isCuda() ? tensor.device().toString() : null;
  }

  @Override
  public boolean requiresGrad() {
    return tensor.requiresGrad();
  }
}
