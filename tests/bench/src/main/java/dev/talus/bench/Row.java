package dev.talus.bench;

import java.util.function.Supplier;

/**
 * A line of a family's table.
 *
 * @param name what is done, unique in the family
 * @param flops floating-point operations of one call, or 0 where they are not what takes the time
 * @param bytes bytes that one call must read and write, or 0 where they are not what takes the time
 * @param held bytes of the different operands and results of a pass, fewer than {@code bytes} where
 *     some are read and written: where the last cache holds them, main memory is no limit
 * @param calls how many operations one call does: times are those of one operation
 * @param target the least ratio of the peer's time to Talus's that counts as met
 * @param limitNanos the target as a time of one operation, or 0 where the target is a ratio
 * @param share the least share of the physical limit that counts as met, beside the ratio, or 0
 * @param doubles whether it computes in float64, of which a register holds half as many
 * @param open gets the work ready
 */
record Row(
    String name,
    double flops,
    double bytes,
    double held,
    int calls,
    double target,
    double limitNanos,
    double share,
    boolean doubles,
    Supplier<Work> open) {
  Row(String name, double flops, double bytes, double target, Supplier<Work> open) {
    this(name, flops, bytes, bytes, 1, target, 0, 0, false, open);
  }

  /** The same work, judged by another ratio alone. */
  Row withTarget(double ratio) {
    return new Row(name, flops, bytes, held, calls, ratio, limitNanos, 0, doubles, open);
  }

  /** The same work, of which a pass holds so many bytes at once. */
  Row withHeld(double atOnce) {
    return new Row(name, flops, bytes, atOnce, calls, target, limitNanos, share, doubles, open);
  }

  /** The same work, judged by its share of the physical limit, too. */
  Row withShare(double least) {
    return new Row(name, flops, bytes, held, calls, target, limitNanos, least, doubles, open);
  }

  /** The same work in float64. */
  Row withDoubles() {
    return new Row(name, flops, bytes, held, calls, target, limitNanos, share, true, open);
  }
}
