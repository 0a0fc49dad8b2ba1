/**
 * Layers, losses and the functions behind them: {@code torch.nn} in Java. {@link
 * dev.talus.nn.Module} is the base of everything with parameters, {@link dev.talus.nn.F} holds what
 * has none.
 */
package dev.talus.nn;
