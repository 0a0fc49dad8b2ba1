/**
 * Text for tensors and modules, character for character as PyTorch prints them.
 *
 * <p>{@link dev.talus.internal.print.TensorPrinter} writes a tensor behind the small interface
 * {@link dev.talus.internal.print.PrintSource}; {@link dev.talus.internal.print.ModulePrinter}
 * writes a tree of modules. The behaviour is that of {@code torch/_tensor_str.py} and of {@code
 * torch.nn.Module.__repr__}.
 */
package dev.talus.internal.print;
