package dev.talus.ops;

import static dev.talus.bindings.talus.*;

import dev.talus.DType;
import dev.talus.Tensor;
import dev.talus.internal.Geometries;
import dev.talus.internal.Native;
import java.lang.ref.Reference;

/** Questions about single elements, answered with a bool tensor. */
public final class Predicate {
  private Predicate() {}

  /** Where x is 0. */
  public static Tensor logicalNot(Tensor x) {
    return ask(TALUS_LOGICAL_NOT, x);
  }

  /** Where x is NaN; nowhere for integers. */
  public static Tensor isNan(Tensor x) {
    return ask(TALUS_IS_NAN, x);
  }

  /** Where x is plus or minus infinity; nowhere for integers. */
  public static Tensor isInf(Tensor x) {
    return ask(TALUS_IS_INF, x);
  }

  private static Tensor ask(int code, Tensor x) {
    Tensor out = Tensor.allocate(DType.BOOL, x.device(), x.sizes());
    Native.unary(
        x.device().id(),
        code,
        x.dtype().code(),
        x.numel(),
        Geometries.of(out, x),
        x.address(),
        0,
        0,
        out.address());
    Reference.reachabilityFence(x);
    return out;
  }
}
