package dev.talus.internal.print;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Prints tensors as PyTorch does: {@code tensor([[1., 2.], [3., 4.]], requires_grad=True)}.
 *
 * <p>The behaviour is that of {@code torch/_tensor_str.py} for dense tensors, with float32 as the
 * default element type.
 */
public final class TensorPrinter {

  private static final String PREFIX = "tensor(";
  private static final String DEFAULT_DTYPE = "torch.float32";

  /** Element types that the text of the elements gives away, so that no suffix names them. */
  private static final List<String> PLAIN_DTYPES =
      List.of(DEFAULT_DTYPE, "torch.int64", "torch.bool");

  private final PrintSource source;
  private final PrintOptions options;
  private final long[] shape;
  private final boolean summarise;
  private final StringBuilder out = new StringBuilder(PREFIX);
  private ElementFormat elements;
  private int next;

  private TensorPrinter(PrintSource source, PrintOptions options) {
    this.source = source;
    this.options = options;
    this.shape = source.shape();
    this.summarise = elementCount(shape) > options.threshold();
  }

  /**
   * Prints a tensor with PyTorch's default options.
   *
   * @param source the tensor
   * @return the text, without a line break at the end
   * @throws IllegalArgumentException if the text would not fit in a string
   */
  public static String format(PrintSource source) {
    return format(source, PrintOptions.DEFAULT);
  }

  /**
   * Prints a tensor.
   *
   * @param source the tensor
   * @param options the options
   * @return the text, without a line break at the end
   * @throws IllegalArgumentException if the text would not fit in a string
   */
  public static String format(PrintSource source, PrintOptions options) {
    return new TensorPrinter(source, options).print();
  }

  private String print() {
    boolean empty = elementCount(shape) == 0;
    if (empty) {
      out.append("[]");
    } else {
      elements = readElements();
      writeElements();
    }
    writeSuffixes(suffixes(empty));
    return out.append(')').toString();
  }

  /** Reads the elements to print, in the order in which they are then written. */
  private ElementFormat readElements() {
    long[] printed = new long[shape.length];
    Arrays.setAll(printed, this::printedSize);
    long count = elementCount(printed);
    // Each takes three characters at least: a digit, a comma and a space.
    if (count > Integer.MAX_VALUE / 3) {
      throw new IllegalArgumentException(
          ("printing a tensor of shape %s in full takes more text than a string can hold;"
                  + " lower the threshold of the print options")
              .formatted(Arrays.toString(shape)));
    }
    if (source.floating()) {
      double[] values = new double[(int) count];
      forEachPrinted(values.length, (i, index) -> values[i] = source.doubleAt(index));
      return ElementFormat.ofDoubles(values, options);
    }
    long[] values = new long[(int) count];
    forEachPrinted(values.length, (i, index) -> values[i] = source.longAt(index));
    return source.bool() ? ElementFormat.ofBooleans(values) : ElementFormat.ofLongs(values);
  }

  private interface Visitor {
    void visit(int i, long[] index);
  }

  /** Visits the indices of the {@code count} printed elements in row-major order. */
  private void forEachPrinted(int count, Visitor visitor) {
    long[] index = new long[shape.length];
    for (int i = 0; i < count; i++) {
      visitor.visit(i, index);
      for (int d = shape.length - 1; d >= 0; d--) {
        index[d]++;
        if (cut(d) && index[d] == options.edgeItems()) {
          index[d] = shape[d] - options.edgeItems();
        }
        if (index[d] < shape[d]) {
          break;
        }
        index[d] = 0;
      }
    }
  }

  /** Says whether only the ends of dimension {@code d} are printed. */
  private boolean cut(int d) {
    return summarise && shape[d] > 2L * options.edgeItems();
  }

  private long printedSize(int d) {
    return cut(d) ? 2L * options.edgeItems() : shape[d];
  }

  private void writeElements() {
    if (shape.length == 0) {
      out.append(elements.text(0));
    } else {
      writeBlock(0);
    }
  }

  private void writeBlock(int d) {
    boolean row = d == shape.length - 1;
    int perLine = row ? elementsPerLine(d) : 1;
    // Matrices are set apart by an empty line, and so on upwards.
    String lineBreak = "," + "\n".repeat(row ? 1 : shape.length - 1 - d) + indent(d);
    long gap = cut(d) ? options.edgeItems() : -1;
    long slots = printedSize(d) + (cut(d) ? 1 : 0);
    for (long slot = 0; slot < slots; slot++) {
      out.append(slot == 0 ? "[" : slot % perLine == 0 ? lineBreak : ", ");
      if (slot == gap) {
        out.append(row && gap > 0 ? " ..." : "...");
      } else if (row) {
        out.append(elements.text(next++));
      } else {
        writeBlock(d + 1);
      }
    }
    out.append(']');
  }

  private int elementsPerLine(int d) {
    int columns = options.lineWidth() - PREFIX.length() - d;
    return Math.max(1, columns / (elements.width() + ", ".length()));
  }

  /** The spaces that bring a line of dimension {@code d} behind its opening bracket. */
  private static String indent(int d) {
    return " ".repeat(PREFIX.length() + d + 1);
  }

  private List<String> suffixes(boolean empty) {
    List<String> suffixes = new ArrayList<>();
    if (source.device() != null) {
      suffixes.add("device='" + source.device() + "'");
    }
    // The sizes, where the elements do not show them.
    if (empty ? shape.length != 1 : options.edgeItems() == 0) {
      suffixes.add("size=" + pythonTuple(shape));
    }
    // With no element to see, only the default type goes without saying.
    boolean plain =
        empty ? source.dtype().equals(DEFAULT_DTYPE) : PLAIN_DTYPES.contains(source.dtype());
    if (!plain) {
      suffixes.add("dtype=" + source.dtype());
    }
    if (source.gradFn() != null) {
      suffixes.add("grad_fn=<" + source.gradFn() + ">");
    } else if (source.requiresGrad()) {
      suffixes.add("requires_grad=True");
    }
    return suffixes;
  }

  private static String pythonTuple(long[] items) {
    return Arrays.stream(items)
        .mapToObj(Long::toString)
        .collect(Collectors.joining(", ", "(", items.length == 1 ? ",)" : ")"));
  }

  private void writeSuffixes(List<String> suffixes) {
    // PyTorch counts the last line of the elements as two columns longer than it is.
    int lastLine = out.length() - out.lastIndexOf("\n") + 1;
    for (String suffix : suffixes) {
      if (lastLine + suffix.length() + 2 > options.lineWidth()) {
        out.append(",\n").append(" ".repeat(PREFIX.length())).append(suffix);
        lastLine = PREFIX.length() + suffix.length();
      } else {
        out.append(", ").append(suffix);
        lastLine += suffix.length() + 2;
      }
    }
  }

  private static long elementCount(long[] shape) {
    // Zero first: the other sizes of an empty tensor may overflow their product.
    return Arrays.stream(shape).anyMatch(size -> size == 0)
        ? 0
        : Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }
}
