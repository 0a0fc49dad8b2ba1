/** The ways to fill parameters before training: {@code torch.nn.init}. */
package dev.talus.nn.init;
