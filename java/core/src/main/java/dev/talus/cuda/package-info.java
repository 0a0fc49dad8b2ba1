/**
 * What only GPUs have: streams, events and graphs, {@code torch.cuda} in Java.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/cuda.html">torch.cuda</a>
 */
package dev.talus.cuda;
