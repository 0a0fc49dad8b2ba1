package dev.talus.tests.print;

import dev.talus.internal.print.PrintSource;
import java.util.Objects;
import java.util.function.LongToDoubleFunction;

/** A tensor for the printer: values by position, and a count of how often they were read. */
final class FakeSource implements PrintSource {

  private final long[] shape;
  private final boolean floating;
  private final boolean bool;
  private String dtype;
  private String device;
  private String gradFn;
  private boolean requiresGrad;
  private LongToDoubleFunction values;
  private int reads;

  private FakeSource(String dtype, boolean floating, boolean bool, long... shape) {
    this.dtype = dtype;
    this.floating = floating;
    this.bool = bool;
    this.shape = shape;
  }

  static FakeSource floats(long... shape) {
    return new FakeSource("torch.float32", true, false, shape);
  }

  static FakeSource doubles(long... shape) {
    return new FakeSource("torch.float64", true, false, shape);
  }

  static FakeSource ints(long... shape) {
    return new FakeSource("torch.int64", false, false, shape);
  }

  static FakeSource bools(long... shape) {
    return new FakeSource("torch.bool", false, true, shape);
  }

  FakeSource of(double... elements) {
    return filled(i -> elements[(int) i]);
  }

  FakeSource filled(LongToDoubleFunction byPosition) {
    values = byPosition;
    return this;
  }

  FakeSource dtype(String name) {
    dtype = name;
    return this;
  }

  FakeSource device(String name) {
    device = name;
    return this;
  }

  FakeSource gradFn(String name) {
    gradFn = name;
    return this;
  }

  FakeSource learning() {
    requiresGrad = true;
    return this;
  }

  int reads() {
    return reads;
  }

  @Override
  public long[] shape() {
    return shape;
  }

  @Override
  public String dtype() {
    return dtype;
  }

  @Override
  public boolean floating() {
    return floating;
  }

  @Override
  public boolean bool() {
    return bool;
  }

  @Override
  public double doubleAt(long[] index) {
    return read(index, true);
  }

  @Override
  public long longAt(long[] index) {
    return (long) read(index, false);
  }

  @Override
  public String gradFn() {
    return gradFn;
  }

  @Override
  public boolean requiresGrad() {
    return requiresGrad;
  }

  @Override
  public String device() {
    return device;
  }

  private double read(long[] index, boolean asFloating) {
    if (asFloating != floating) {
      throw new IllegalStateException(dtype + " was read as the other kind of number");
    }
    long position = 0;
    for (int d = 0; d < shape.length; d++) {
      position = position * shape[d] + Objects.checkIndex(index[d], shape[d]);
    }
    reads++;
    return values.applyAsDouble(position);
  }
}
