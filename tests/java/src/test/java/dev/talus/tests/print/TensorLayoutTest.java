package dev.talus.tests.print;

import static dev.talus.internal.print.PrintOptions.DEFAULT;
import static dev.talus.internal.print.PrintOptions.FULL;
import static dev.talus.internal.print.PrintOptions.SHORT;
import static dev.talus.tests.print.FakeSource.bools;
import static dev.talus.tests.print.FakeSource.doubles;
import static dev.talus.tests.print.FakeSource.floats;
import static dev.talus.tests.print.FakeSource.ints;
import static dev.talus.tests.print.Golden.golden;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Lines, blocks, summaries and suffixes: see {@link Golden} for where the texts come from. */
final class TensorLayoutTest {

  @ParameterizedTest
  @MethodSource({"layout", "summary", "suffixes", "empty"})
  void printsAsPyTorch(Golden golden) {
    golden.check();
  }

  // Matrix: docs.pytorch.org/docs/stable/generated/torch.randn.html.
  static Stream<Golden> layout() {
    return Stream.of(
        golden(
            "matrix",
            floats(2, 3).of(1.5954f, 2.8929f, -1.0923f, 1.1719f, -0.4709f, -0.1996f),
            """
            tensor([[ 1.5954,  2.8929, -1.0923],
                    [ 1.1719, -0.4709, -0.1996]])\
            """),
        golden(
            "four dimensions",
            ints(2, 2, 1, 2).filled(i -> i),
            """
            tensor([[[[0, 1]],

                     [[2, 3]]],


                    [[[4, 5]],

                     [[6, 7]]]])\
            """),
        golden(
            "long vector",
            ints(30).filled(i -> i),
            """
            tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
                    18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])\
            """),
        golden(
            "long rows",
            floats(2, 11).filled(i -> i + 0.5),
            """
            tensor([[ 0.5000,  1.5000,  2.5000,  3.5000,  4.5000,  5.5000,  6.5000,  7.5000,
                      8.5000,  9.5000, 10.5000],
                    [11.5000, 12.5000, 13.5000, 14.5000, 15.5000, 16.5000, 17.5000, 18.5000,
                     19.5000, 20.5000, 21.5000]])\
            """),
        golden(
            "narrow lines",
            ints(2, 5).filled(i -> i),
            DEFAULT.withLineWidth(16),
            """
            tensor([[0, 1,
                     2, 3,
                     4],
                    [5, 6,
                     7, 8,
                     9]])\
            """),
        golden(
            "one element a line",
            ints(3).filled(i -> i),
            DEFAULT.withLineWidth(1),
            """
            tensor([0,
                    1,
                    2])\
            """),
        golden("single elements", floats(1, 1, 1).of(3), "tensor([[[3.]]])"));
  }

  static Stream<Golden> summary() {
    return Stream.of(
        golden(
            "as many elements as the threshold",
            ints(5).filled(i -> i),
            DEFAULT.withThreshold(5).withEdgeItems(1),
            "tensor([0, 1, 2, 3, 4])"),
        golden(
            "vector",
            ints(1001).filled(i -> i),
            "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
        golden(
            "matrix",
            ints(100, 100).filled(i -> i),
            """
            tensor([[   0,    1,    2,  ...,   97,   98,   99],
                    [ 100,  101,  102,  ...,  197,  198,  199],
                    [ 200,  201,  202,  ...,  297,  298,  299],
                    ...,
                    [9700, 9701, 9702,  ..., 9797, 9798, 9799],
                    [9800, 9801, 9802,  ..., 9897, 9898, 9899],
                    [9900, 9901, 9902,  ..., 9997, 9998, 9999]])\
            """),
        golden(
            "short dimensions stay",
            floats(100, 2, 10).filled(i -> 1),
            """
            tensor([[[1., 1., 1.,  ..., 1., 1., 1.],
                     [1., 1., 1.,  ..., 1., 1., 1.]],

                    [[1., 1., 1.,  ..., 1., 1., 1.],
                     [1., 1., 1.,  ..., 1., 1., 1.]],

                    [[1., 1., 1.,  ..., 1., 1., 1.],
                     [1., 1., 1.,  ..., 1., 1., 1.]],

                    ...,

                    [[1., 1., 1.,  ..., 1., 1., 1.],
                     [1., 1., 1.,  ..., 1., 1., 1.]],

                    [[1., 1., 1.,  ..., 1., 1., 1.],
                     [1., 1., 1.,  ..., 1., 1., 1.]],

                    [[1., 1., 1.,  ..., 1., 1., 1.],
                     [1., 1., 1.,  ..., 1., 1., 1.]]])\
            """),
        golden(
            "hidden wide integer",
            ints(1001).filled(i -> i == 500 ? 1e6 : 1),
            "tensor([1, 1, 1,  ..., 1, 1, 1])"),
        golden(
            "hidden fraction",
            floats(1001).filled(i -> i == 500 ? 0.5 : 1),
            "tensor([1., 1., 1.,  ..., 1., 1., 1.])"),
        golden(
            "shown fraction",
            floats(1001).filled(i -> i == 998 ? 0.5 : 1),
            "tensor([1.0000, 1.0000, 1.0000,  ..., 0.5000, 1.0000, 1.0000])"),
        golden(
            "twice the edge items stay",
            ints(6, 7).filled(i -> i),
            DEFAULT.withThreshold(5),
            """
            tensor([[ 0,  1,  2,  ...,  4,  5,  6],
                    [ 7,  8,  9,  ..., 11, 12, 13],
                    [14, 15, 16,  ..., 18, 19, 20],
                    [21, 22, 23,  ..., 25, 26, 27],
                    [28, 29, 30,  ..., 32, 33, 34],
                    [35, 36, 37,  ..., 39, 40, 41]])\
            """),
        golden(
            "no edges, vector",
            ints(9).filled(i -> i),
            DEFAULT.withThreshold(5).withEdgeItems(0),
            "tensor([...], size=(9,))"),
        golden(
            "threshold 5",
            ints(10).filled(i -> i),
            DEFAULT.withThreshold(5),
            "tensor([0, 1, 2,  ..., 7, 8, 9])"),
        golden(
            "short profile",
            floats(1001).filled(i -> 0.125),
            SHORT,
            "tensor([0.12, 0.12,  ..., 0.12, 0.12])"),
        golden(
            "full profile",
            ints(1, 3).filled(i -> i),
            FULL.withEdgeItems(1),
            "tensor([[0, 1, 2]])"),
        golden(
            "no edges",
            ints(4, 3).filled(i -> i),
            DEFAULT.withThreshold(5).withEdgeItems(0),
            "tensor([...], size=(4, 3))"),
        golden(
            "no edges, whole",
            ints(4).filled(i -> i),
            DEFAULT.withEdgeItems(0),
            "tensor([0, 1, 2, 3], size=(4,))"),
        golden(
            "gap counts as an element of the line",
            ints(1001).filled(i -> i),
            DEFAULT.withLineWidth(24),
            """
            tensor([   0,    1,
                       2,  ...,
                     998,  999,
                    1000])\
            """));
  }

  // grad_fn and requires_grad: docs.pytorch.org/tutorials/beginner/blitz/autograd_tutorial.html.
  // Device: test_print in PyTorch's own test/test_torch.py, and the order in which it adds
  // suffixes.
  static Stream<Golden> suffixes() {
    return Stream.of(
        golden("device", ints(1).of(123).device("cuda:0"), "tensor([123], device='cuda:0')"),
        golden(
            "device and dtype",
            ints(1, 2).of(0, 0).dtype("torch.int32").device("cuda:0"),
            "tensor([[0, 0]], device='cuda:0', dtype=torch.int32)"),
        golden("float64", doubles(2).of(1, 2), "tensor([1., 2.], dtype=torch.float64)"),
        golden("int32", ints(2).of(1, 2).dtype("torch.int32"), "tensor([1, 2], dtype=torch.int32)"),
        golden(
            "uint8",
            ints(2).of(0, 255).dtype("torch.uint8"),
            "tensor([  0, 255], dtype=torch.uint8)"),
        golden("requires_grad", floats(1).of(123).learning(), "tensor([123.], requires_grad=True)"),
        golden(
            "grad_fn wins",
            floats(2, 2).of(27, 27, 27, 27).learning().gradFn("MulBackward0"),
            """
            tensor([[27., 27.],
                    [27., 27.]], grad_fn=<MulBackward0>)\
            """),
        golden(
            "dtype and requires_grad",
            doubles().of(7).learning(),
            "tensor(7., dtype=torch.float64, requires_grad=True)"),
        golden(
            "fits the line width",
            floats(2).of(0.5, 1.5).learning(),
            DEFAULT.withLineWidth(45),
            "tensor([0.5000, 1.5000], requires_grad=True)"),
        golden(
            "does not fit the line width",
            floats(2).of(0.5, 1.5).learning(),
            DEFAULT.withLineWidth(44),
            """
            tensor([0.5000, 1.5000],
                   requires_grad=True)\
            """),
        golden(
            "fits behind a later line",
            floats(2, 2).of(0.5, 1.5, 2.5, 3.5).learning(),
            DEFAULT.withLineWidth(47),
            """
            tensor([[0.5000, 1.5000],
                    [2.5000, 3.5000]], requires_grad=True)\
            """),
        golden(
            "does not fit behind a later line",
            floats(2, 2).of(0.5, 1.5, 2.5, 3.5).learning(),
            DEFAULT.withLineWidth(46),
            """
            tensor([[0.5000, 1.5000],
                    [2.5000, 3.5000]],
                   requires_grad=True)\
            """),
        golden(
            "two suffixes just fit",
            doubles(1).of(0.5).learning(),
            DEFAULT.withLineWidth(58),
            "tensor([0.5000], dtype=torch.float64, requires_grad=True)"),
        golden(
            "the second does not fit behind the first",
            doubles(1).of(0.5).learning(),
            DEFAULT.withLineWidth(57),
            """
            tensor([0.5000], dtype=torch.float64,
                   requires_grad=True)\
            """),
        golden(
            "the second just fits behind the first on a new line",
            doubles(3).filled(i -> 0.5).learning(),
            DEFAULT.withLineWidth(46),
            """
            tensor([0.5000, 0.5000, 0.5000],
                   dtype=torch.float64, requires_grad=True)\
            """),
        golden(
            "each on its own line",
            doubles(3).filled(i -> 0.5).learning(),
            DEFAULT.withLineWidth(45),
            """
            tensor([0.5000, 0.5000, 0.5000],
                   dtype=torch.float64,
                   requires_grad=True)\
            """),
        golden(
            "one fits, one does not",
            doubles(6).of(0.5, 1.5, 2.5, 3.5, 4.5, 5.5).learning(),
            DEFAULT.withLineWidth(52),
            """
            tensor([0.5000, 1.5000, 2.5000, 3.5000, 4.5000,
                    5.5000], dtype=torch.float64,
                   requires_grad=True)\
            """));
  }

  static Stream<Golden> empty() {
    return Stream.of(
        golden("vector", floats(0).of(), "tensor([])"),
        golden("matrix", floats(0, 3).of(), "tensor([], size=(0, 3))"),
        golden(
            "inner size 0",
            floats(2, 0, 3).of().learning(),
            "tensor([], size=(2, 0, 3), requires_grad=True)"),
        golden("int64 is named", ints(0).of(), "tensor([], dtype=torch.int64)"),
        golden("bool is named", bools(0, 1).of(), "tensor([], size=(0, 1), dtype=torch.bool)"),
        golden("float64", doubles(0).of(), "tensor([], dtype=torch.float64)"));
  }
}
