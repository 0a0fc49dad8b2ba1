package dev.talus.data;

import dev.talus.Tensor;

/**
 * One example of a {@link Dataset}.
 *
 * @param x the input, without a batch dimension
 * @param y the target, without a batch dimension
 */
public record Sample(Tensor x, Tensor y) {}
