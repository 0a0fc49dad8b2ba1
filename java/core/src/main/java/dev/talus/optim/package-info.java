/** The rules that turn gradients into better parameters: {@code torch.optim} in Java. */
package dev.talus.optim;
