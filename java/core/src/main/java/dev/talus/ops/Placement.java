package dev.talus.ops;

import dev.talus.Device;
import dev.talus.Tensor;

/**
 * That the tensors of an operation live on one device: an address says nothing of whose it is, so
 * every operation of several tensors asks here before it allocates or launches anything.
 */
public final class Placement {
  private Placement() {}

  /**
   * Two tensors.
   *
   * @throws IllegalArgumentException if they live on two devices
   */
  public static void same(Tensor a, Tensor b) {
    if (a.device() != b.device()) {
      throw refusal(a.device(), b.device());
    }
  }

  /** Several tensors; null is none. */
  public static void same(Tensor a, Tensor b, Tensor c) {
    Device device = a.device();
    require(device, b);
    require(device, c);
  }

  /** Several tensors; null is none. */
  public static void same(Tensor a, Tensor b, Tensor c, Tensor d, Tensor e) {
    Device device = a.device();
    require(device, b);
    require(device, c);
    require(device, d);
    require(device, e);
  }

  /**
   * A tensor as an operand beside another: a 0-d tensor of the CPU counts as a number, which goes
   * to any device; all others must be there already.
   */
  static Tensor beside(Tensor x, Tensor other) {
    Device device = other.device();
    return x.device() == device || x.dim() != 0 || x.device() != Device.CPU ? x : x.to(device);
  }

  private static void require(Device device, Tensor x) {
    if (x != null && x.device() != device) {
      throw refusal(device, x.device());
    }
  }

  private static IllegalArgumentException refusal(Device a, Device b) {
    return new IllegalArgumentException(
        "Expected all tensors to be on the same device, but found at least two devices, "
            + a
            + " and "
            + b
            + "!");
  }
}
