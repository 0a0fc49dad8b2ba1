package dev.talus;

/**
 * What {@code max(dim)} and {@code min(dim)} return.
 *
 * @param values the extreme values; gradients flow to where they were found
 * @param indices their int64 positions along the dimension
 */
public record ValuesAndIndices(Tensor values, Tensor indices) {}
