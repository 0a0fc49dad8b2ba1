/**
 * Tensors and the scopes that own them; {@link dev.talus.Talus} holds what concerns the process.
 *
 * <p>Start at {@link dev.talus.Tensor} and {@link dev.talus.Scope}.
 */
package dev.talus;
