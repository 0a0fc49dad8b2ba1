package dev.talus.bench;

import java.util.function.Supplier;

/**
 * A line of a family's table.
 *
 * @param name what is done, unique in the family
 * @param flops floating-point operations of one call, or 0 where they are not what takes the time
 * @param bytes bytes that one call must read and write, or 0 where they are not what takes the time
 * @param calls how many operations one call does: times are those of one operation
 * @param target the least ratio of the peer's time to Talus's that counts as met
 * @param limitNanos the target as a time of one operation, or 0 where the target is a ratio
 * @param open gets the work ready
 */
record Row(
    String name,
    double flops,
    double bytes,
    int calls,
    double target,
    double limitNanos,
    Supplier<Work> open) {
  Row(String name, double flops, double bytes, double target, Supplier<Work> open) {
    this(name, flops, bytes, 1, target, 0, open);
  }

  /** The same work, judged by another ratio. */
  Row withTarget(double ratio) {
    return new Row(name, flops, bytes, calls, ratio, limitNanos, open);
  }
}
