/**
 * Gradients: the nodes an operation leaves behind, the engine that walks them, and the switches for
 * recording.
 *
 * <p>Backward rules return gradients; only the engine adds them up and sums them down to the shape
 * of an input that was broadcast.
 */
package dev.talus.autograd;
