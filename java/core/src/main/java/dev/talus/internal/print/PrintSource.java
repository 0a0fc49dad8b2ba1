package dev.talus.internal.print;

/**
 * What the printer needs to know of a tensor.
 *
 * <p>Elements are read one at a time, each at most once per call of the printer, and a summarised
 * tensor is only read where it is printed.
 */
public interface PrintSource {

  /**
   * Returns the sizes of the tensor, empty for a tensor of zero dimensions.
   *
   * @return the sizes, outermost dimension first
   */
  long[] shape();

  /**
   * Returns the element type by its PyTorch name.
   *
   * @return the name with its prefix, for example {@code "torch.float32"}
   */
  String dtype();

  /**
   * Says whether elements are floating-point numbers, to be read with {@link #doubleAt}.
   *
   * @return true for floating-point elements, false for integers and booleans
   */
  boolean floating();

  /**
   * Says whether elements are booleans, to be read with {@link #longAt} and printed as {@code True}
   * where that is not 0.
   *
   * @return true for boolean elements
   */
  boolean bool();

  /**
   * Reads an element of a floating-point tensor.
   *
   * @param index one position per dimension; the printer changes the array after the call
   * @return the element, widened exactly
   */
  double doubleAt(long[] index);

  /**
   * Reads an element of an integer or boolean tensor.
   *
   * @param index one position per dimension; the printer changes the array after the call
   * @return the element
   */
  long longAt(long[] index);

  /**
   * Returns the name of the autograd node that made the tensor.
   *
   * @return the simple name, for example {@code "AddBackward0"}, or null for a leaf
   */
  String gradFn();

  /**
   * Says whether the tensor records operations for autograd.
   *
   * @return true if gradients are wanted
   */
  boolean requiresGrad();

  /**
   * Returns the device to show, for example {@code "cuda:0"}.
   *
   * @return the device, or null (the default) to show none, as PyTorch does for its default device
   */
  default String device() {
    return null;
  }
}
