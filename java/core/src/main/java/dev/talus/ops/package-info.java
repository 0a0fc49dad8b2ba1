/**
 * The operations, one class each: shape rule, forward and backward side by side. Element-wise ones
 * are rows of {@link dev.talus.ops.Unary} and {@link dev.talus.ops.Binary}.
 */
package dev.talus.ops;
