package dev.talus.bench;

import java.util.function.Supplier;

/**
 * A line of a family's table.
 *
 * @param name what is done, unique in the family
 * @param flops floating-point operations of one call, or 0 where they are not what takes the time
 * @param bytes bytes that one call must read and write, or 0 where they are not what takes the time
 * @param calls how many operations one call does: times are those of one operation
 * @param limitNanos the target as a time of one operation, or 0 where the target is a ratio
 * @param open gets the work ready
 */
record Row(
    String name, double flops, double bytes, int calls, double limitNanos, Supplier<Work> open) {
  Row(String name, double flops, double bytes, Supplier<Work> open) {
    this(name, flops, bytes, 1, 0, open);
  }
}
