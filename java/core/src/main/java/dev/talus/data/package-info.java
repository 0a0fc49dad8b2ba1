/** Data sets and the batches made from them: {@code torch.utils.data} in Java. */
package dev.talus.data;
