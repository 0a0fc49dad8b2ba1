package dev.talus.bench;

import dev.talus.memory.Allocator;
import java.util.Arrays;
import java.util.function.ToDoubleFunction;

/** A step of training, or another pass over the network, in both libraries. */
final class NetWork<T extends Trainer> implements Work {
  private static final double TOLERANCE = 1e-3;

  private final T talus;
  private final T torch;
  private final ToDoubleFunction<T> pass;

  NetWork(T talus, T torch, ToDoubleFunction<T> pass) {
    this.talus = talus;
    this.torch = torch;
    this.pass = pass;
  }

  @Override
  public Runnable talus() {
    return () -> run(talus);
  }

  @Override
  public Runnable torch() {
    return () -> run(torch);
  }

  private double run(T trainer) {
    double result = pass.applyAsDouble(trainer);
    if (Double.isNaN(result)) {
      throw new IllegalStateException("the result became NaN");
    }
    return result;
  }

  /** Nothing was trained yet: both drew the same numbers in the same order. */
  @Override
  public void check() {
    float[][] ourParameters = talus.parameters();
    float[][] theirParameters = torch.parameters();
    if (ourParameters.length != theirParameters.length) {
      throw new IllegalStateException(
          "Talus has " + ourParameters.length + " parameters, libtorch " + theirParameters.length);
    }
    for (int i = 0; i < ourParameters.length; i++) {
      if (!Arrays.equals(ourParameters[i], theirParameters[i])) {
        throw new IllegalStateException("parameter " + i + " does not start as libtorch's");
      }
    }
    double ours = run(talus);
    double theirs = run(torch);
    if (Math.abs(ours - theirs) > TOLERANCE * Math.max(1, Math.abs(theirs))) {
      throw new IllegalStateException("Talus computed " + ours + ", libtorch " + theirs);
    }
  }

  @Override
  public void close() {
    torch.close();
    talus.close();
    Allocator.CPU.trim();
  }
}
