package dev.talus.tests.print;

import static dev.talus.internal.print.PrintOptions.DEFAULT;
import static dev.talus.tests.print.FakeSource.bools;
import static dev.talus.tests.print.FakeSource.doubles;
import static dev.talus.tests.print.FakeSource.floats;
import static dev.talus.tests.print.FakeSource.ints;
import static dev.talus.tests.print.Golden.golden;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The notation and the width of elements: see {@link Golden} for where the texts come from. */
final class TensorNumbersTest {

  private static final double INF = Double.POSITIVE_INFINITY;
  private static final double NAN = Double.NaN;

  @ParameterizedTest
  @MethodSource({"scalars", "numbers"})
  void printsAsPyTorch(Golden golden) {
    golden.check();
  }

  static Stream<Golden> scalars() {
    return Stream.of(
        golden(
            "float scalar",
            floats().of(0.928f).gradFn("MseLossBackward0"),
            "tensor(0.9280, grad_fn=<MseLossBackward0>)"),
        golden("integer scalar", ints().of(2341234123412341L), "tensor(2341234123412341)"),
        golden("bool scalar", bools().of(1), "tensor(True)"),
        golden("small scalar", floats().of(0.00002f), "tensor(2.0000e-05)"),
        golden("whole scalar", floats().of(27), "tensor(27.)"),
        golden("negative zero", floats().of(-0.0), "tensor(-0.)"));
  }

  // Negative widths: torch.randn's page; largest float32: torch.nan_to_num's page; precision 2:
  // torch.set_printoptions' page (docs.pytorch.org/docs/stable/generated/<name>.html).
  static Stream<Golden> numbers() {
    return Stream.of(
        golden("whole floats", floats(2).of(1, 2), "tensor([1., 2.])"),
        golden("whole floats, widths", floats(2).of(1, 1000), "tensor([   1., 1000.])"),
        golden(
            "whole floats, ratio above 1000",
            floats(2).of(1, 1010),
            "tensor([1.0000e+00, 1.0100e+03])"),
        golden("whole floats at 1e8", floats(1).of(1e8), "tensor([100000000.])"),
        golden("whole floats above 1e8", floats(1).of(123456789f), "tensor([1.2346e+08])"),
        golden(
            "negative widths",
            floats(4).of(-2.1436f, 0.9966f, 2.3426f, -0.6366f),
            "tensor([-2.1436,  0.9966,  2.3426, -0.6366])"),
        golden("ratio above 1000", floats(2).of(0.01f, 11), "tensor([1.0000e-02, 1.1000e+01])"),
        golden("wide range", floats(2).of(1e28f, -1e-28f), "tensor([ 1.0000e+28, -1.0000e-28])"),
        golden("float32 1e-4 is below 1e-4", floats(1).of(1e-4f), "tensor([1.0000e-04])"),
        golden("float64 1e-4 is not", doubles(1).of(1e-4), "tensor([0.0001], dtype=torch.float64)"),
        golden(
            "nonfinite",
            floats(7).of(4, INF, 1.5, -INF, 0, NAN, 1),
            "tensor([4.0000,    inf, 1.5000,   -inf, 0.0000,    nan, 1.0000])"),
        golden(
            "nonfinite among whole numbers",
            floats(4).of(1, INF, NAN, -INF),
            "tensor([1., inf, nan, -inf])"),
        golden("nothing finite", floats(3).of(INF, NAN, 0), "tensor([inf, nan, 0.])"),
        golden(
            "scientific nonfinite",
            floats(5).of(INF, NAN, -INF, 1e-7f, 0),
            "tensor([       inf,        nan,       -inf, 1.0000e-07, 0.0000e+00])"),
        golden(
            "zeros",
            floats(2, 2).of(0, 0, 0, -0.0),
            """
            tensor([[0., 0.],
                    [0., -0.]])\
            """),
        golden(
            "rounded to negative zero",
            doubles(2).of(-0.00012, 0.1),
            DEFAULT.withPrecision(2),
            "tensor([-0.00,  0.10], dtype=torch.float64)"),
        golden(
            "subnormal and overflow",
            doubles(6).of(0, 1e-323, 1e-322, 1e307, 1e308, INF),
            """
            tensor([ 0.0000e+00, 9.8813e-324, 9.8813e-323, 1.0000e+307, 1.0000e+308,
                            inf], dtype=torch.float64)\
            """),
        golden(
            "ties to even, fixed",
            doubles(4).of(0.125, 0.375, -0.625, 2.5),
            DEFAULT.withPrecision(2),
            "tensor([ 0.12,  0.38, -0.62,  2.50], dtype=torch.float64)"),
        golden(
            "ties to even, no digits",
            doubles(3).of(0.5, 1.5, 2.5),
            DEFAULT.withPrecision(0),
            "tensor([0, 2, 2], dtype=torch.float64)"),
        golden(
            "ties to even, scientific",
            doubles(3).of(1.125, 1375, -8.5e9),
            DEFAULT.withPrecision(2),
            "tensor([ 1.12e+00,  1.38e+03, -8.50e+09], dtype=torch.float64)"),
        golden(
            "round up to next exponent",
            floats(2).of(9.99996f, 99999.6f),
            "tensor([1.0000e+01, 1.0000e+05])"),
        golden(
            "exact binary value",
            doubles(1).of(0.1),
            DEFAULT.withPrecision(20),
            "tensor([0.10000000000000000555], dtype=torch.float64)"),
        golden(
            "scientific without digits",
            floats(2).of(1, 25000),
            DEFAULT.withPrecision(0),
            "tensor([1e+00, 2e+04])"),
        golden(
            "forced scientific",
            floats(2).of(100, 0.5),
            DEFAULT.withSciMode(true),
            "tensor([1.0000e+02, 5.0000e-01])"),
        golden(
            "forbidden scientific",
            floats(2).of(100, 0.01f),
            DEFAULT.withSciMode(false),
            "tensor([100.0000,   0.0100])"),
        golden(
            "forbidden scientific, whole",
            doubles(2).of(1, 1e22),
            DEFAULT.withSciMode(false),
            """
            tensor([                      1., 10000000000000000000000.],
                   dtype=torch.float64)\
            """),
        golden(
            "forced scientific on zeros",
            floats(2).of(0, NAN),
            DEFAULT.withSciMode(true),
            "tensor([0., nan])"),
        golden("precision 2", floats(1).of(1.12345f), DEFAULT.withPrecision(2), "tensor([1.12])"),
        golden("integers", ints(2).of(1, -2), "tensor([ 1, -2])"),
        golden("integer widths", ints(2).of(1, 1010), "tensor([   1, 1010])"),
        golden(
            "booleans",
            bools(2, 2).of(1, 0, 0, 0),
            """
            tensor([[ True, False],
                    [False, False]])\
            """),
        golden("all true", bools(2).of(1, 1), "tensor([True, True])"),
        golden(
            "largest float32",
            floats(4).of(0, Float.MAX_VALUE, -Float.MAX_VALUE, 3.14f),
            "tensor([ 0.0000e+00,  3.4028e+38, -3.4028e+38,  3.1400e+00])"));
  }
}
