package dev.talus.bench;

import dev.talus.Tensor;
import dev.talus.nn.F;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** Operations that move memory: each forward, and forward with its gradients. */
final class OpsFamily implements Family {
  /** Of most rows, and of those that other networks need less often. */
  private static final double TARGET = 1.2;

  private static final double RARE_TARGET = 1.0;

  /** Of the bandwidth of a copy, for operands that the caches do not hold. */
  private static final double SHARE = 0.8;

  private static final long[] TWO = {2, 2};
  private static final long[] THREE = {3, 3};
  private static final long[] ONE = {1, 1};
  private static final long[] ZERO = {0, 0};
  private static final Input IMAGES = Input.of(64, 64, 56, 56);

  /** What a reduction reads: nothing else fills the caches. */
  private static final Input MANY_IMAGES = Input.of(128, 64, 56, 56);

  private static final Input FEATURES = Input.of(64, 1024);
  private static final Input SCORES = Input.of(128, 1000);
  private static final Input TOKENS = Input.of(8, 128, 768);
  private static final Input DIVISORS = Input.positive(64, 1024);
  private static final LongOptional NO_DIVISOR = new LongOptional();

  private final List<Row> rows = new ArrayList<>();
  private double target = TARGET;

  /**
   * Makes the table. A row has a name, the numbers read and written by forward and by backward for
   * each number of the first operand, the operation in both libraries, and its operands.
   */
  OpsFamily() {
    op("add", 3, 0, t -> t[0].add(t[1]), t -> t[0].add(t[1]), IMAGES, IMAGES);
    op("relu", 2, 3, t -> t[0].relu(), t -> t[0].relu(), IMAGES);
    op("relu", 2, 3, t -> t[0].relu(), t -> t[0].relu(), FEATURES);
    op("tanh", 2, 3, t -> t[0].tanh(), t -> t[0].tanh(), FEATURES);
    op("sigmoid", 2, 3, t -> t[0].sigmoid(), t -> t[0].sigmoid(), FEATURES);
    op(
        "max_pool2d 2",
        1.25,
        1.25,
        t -> F.maxPool2d(t[0], 2),
        t -> torch.max_pool2d(t[0], TWO, TWO, ZERO, ONE, false),
        IMAGES);
    op(
        "max_pool2d 3 s2 p1",
        1.25,
        1.25,
        t -> F.maxPool2d(t[0], ints(3), ints(2), ints(1), ints(1), false),
        t -> torch.max_pool2d(t[0], THREE, TWO, ONE, ONE, false),
        IMAGES);
    op(
        "avg_pool2d 2",
        1.25,
        1.25,
        t -> F.avgPool2d(t[0], 2),
        t -> torch.avg_pool2d(t[0], TWO, TWO, ZERO, false, true, NO_DIVISOR),
        IMAGES);
    op("softmax", 2, 3, t -> t[0].softmax(1), t -> t[0].softmax(1), SCORES);
    op("log_softmax", 2, 3, t -> t[0].logSoftmax(1), t -> t[0].log_softmax(1), SCORES);
    op(
        "cross_entropy",
        1,
        1,
        t -> F.crossEntropy(t[0], t[1]),
        t -> torch.cross_entropy_loss(t[0], t[1]),
        SCORES,
        Input.classes(1000, 128));
    op(
        "softmax of attention",
        2,
        3,
        t -> t[0].softmax(3),
        t -> t[0].softmax(3),
        Input.of(8, 12, 128, 128));
    batchNorm();
    layerNorm(TOKENS, 768);
    layerNorm(Input.of(8192, 256), 256);
    op("gelu", 2, 3, t -> F.gelu(t[0]), t -> torch.gelu(t[0]), TOKENS);
    op(
        "dropout 0.1",
        2,
        2,
        t -> F.dropout(t[0], 0.1, true),
        t -> torch.dropout(t[0], 0.1, true),
        TOKENS);
    // Rows are read and written; backward fills the whole table's gradient.
    op(
        "embedding of 1024",
        2 * 1024 / 30522.0,
        1,
        t -> F.embedding(t[1], t[0], -1),
        t -> torch.embedding(t[0], t[1]),
        Input.of(30522, 768),
        Input.classes(30522, 8, 128));
    op(
        "adaptive_avg_pool2d 1",
        1,
        1,
        t -> F.adaptiveAvgPool2d(t[0], 1),
        t -> torch.adaptive_avg_pool2d(t[0], 1, 1),
        Input.of(32, 512, 7, 7));
    op(
        "adaptive_avg_pool2d 7",
        1.0625,
        1.0625,
        t -> F.adaptiveAvgPool2d(t[0], 7),
        t -> torch.adaptive_avg_pool2d(t[0], 7, 7),
        Input.of(64, 512, 28, 28));
    op("sum", 1, 0, t -> t[0].sum(), t -> t[0].sum(), MANY_IMAGES);
    op("mean over images", 1, 0, t -> t[0].mean(2, 3), t -> torch.mean(t[0], 2, 3), MANY_IMAGES);
    target = RARE_TARGET;
    functions();
    indexing();
    pieces();
  }

  private void functions() {
    Input wide = new Input(0, -6, true, 64, 1024);
    Input positive = new Input(0, 0.5, true, 64, 1024);
    op("exp", 2, 3, t -> t[0].exp(), t -> t[0].exp(), FEATURES);
    op("sin", 2, 3, t -> t[0].sin(), t -> t[0].sin(), wide);
    op("cos", 2, 3, t -> t[0].cos(), t -> t[0].cos(), wide);
    op("log1p", 2, 3, t -> t[0].log1p(), t -> t[0].log1p(), positive);
    op("pow", 3, 0, t -> t[0].pow(t[1]), t -> t[0].pow(t[1]), positive, DIVISORS);
    op("remainder", 3, 0, t -> t[0].remainder(t[1]), t -> t[0].remainder(t[1]), wide, DIVISORS);
    forward(
        "floor_divide",
        3,
        t -> t[0].floorDivide(t[1]),
        t -> t[0].floor_divide(t[1]),
        wide,
        DIVISORS);
    op("hardtanh", 2, 3, t -> F.hardtanh(t[0], -1, 1), t -> torch.hardtanh(t[0]), wide);
    op("softplus", 2, 3, t -> F.softplus(t[0], 1, 20), t -> torch.softplus(t[0]), wide);
    op("silu", 2, 3, t -> F.silu(t[0]), t -> torch.silu(t[0]), wide);
  }

  private void indexing() {
    Input positions = Input.classes(1000, 128, 1000);
    op("gather", 4, 4, t -> t[0].gather(1, t[1]), t -> t[0].gather(1, t[1]), SCORES, positions);
    op(
        "scatter_add",
        5,
        0,
        t -> t[0].scatterAdd(1, t[1], t[2]),
        t -> t[0].scatter_add(1, t[1], t[2]),
        SCORES,
        positions,
        Input.of(128, 1000));
    op(
        "index_select of columns",
        2,
        2,
        t -> t[0].indexSelect(1, t[1]),
        t -> t[0].index_select(1, t[1]),
        SCORES,
        Input.classes(1000, 1000));
  }

  private void pieces() {
    long[] columns = {1};
    long[] seven = {7, 7};
    op("amax of rows", 1, 2, t -> t[0].amax(1), t -> t[0].amax(columns, false), SCORES);
    op(
        "prod of rows",
        1,
        2,
        t -> t[0].prod(1),
        t -> t[0].prod(1),
        new Input(0, 0.99, true, 128, 99));
    op(
        "cat",
        4,
        0,
        t -> Tensor.cat(List.of(t[0], t[1]), 1),
        t -> torch.cat(new TensorVector(t[0], t[1]), 1),
        TOKENS,
        TOKENS);
    op(
        "max_pool2d 7",
        1,
        1,
        t -> F.maxPool2d(t[0], 7),
        t -> torch.max_pool2d(t[0], seven, seven, ZERO, ONE, false),
        Input.of(32, 512, 7, 7));
  }

  /** Each channel's numbers fit the caches: they need to come from memory once. */
  private void batchNorm() {
    Input channels = Input.of(64);
    Input mean = Input.constant(64);
    Input variance = Input.positive(64);
    batchNormTraining(IMAGES);
    batchNormTraining(Input.of(128, 512, 4, 4));
    op(
        "batch_norm eval",
        2,
        3,
        t -> F.batchNorm(t[0], t[3], t[4], t[1], t[2], false, 0.1, 1e-5),
        t -> torchBatchNorm(t, false),
        IMAGES,
        channels,
        channels,
        mean,
        variance);
  }

  private void batchNormTraining(Input images) {
    long n = images.shape()[1];
    Input channels = Input.of(n);
    op(
        "batch_norm training",
        2,
        3,
        t -> F.batchNorm(t[0], t[3], t[4], t[1], t[2], true, 0.1, 1e-5),
        t -> torchBatchNorm(t, true),
        images,
        channels,
        channels,
        Input.constant(n),
        Input.positive(n));
  }

  private static org.bytedeco.pytorch.Tensor torchBatchNorm(
      org.bytedeco.pytorch.Tensor[] t, boolean training) {
    return torch.batch_norm(
        t[0], some(t[1]), some(t[2]), some(t[3]), some(t[4]), training, 0.1, 1e-5, false);
  }

  private void layerNorm(Input rows, long cols) {
    long[] width = {cols};
    op(
        "layer_norm",
        2,
        3,
        t -> F.layerNorm(t[0], width, t[1], t[2], 1e-5),
        t -> torch.layer_norm(t[0], width, some(t[1]), some(t[2]), 1e-5, false),
        rows,
        Input.of(cols),
        Input.of(cols));
  }

  private static TensorOptional some(org.bytedeco.pytorch.Tensor tensor) {
    return new TensorOptional(tensor);
  }

  private void op(
      String name,
      double forward,
      double backward,
      Function<Tensor[], Tensor> talus,
      Function<org.bytedeco.pytorch.Tensor[], org.bytedeco.pytorch.Tensor> libtorch,
      Input... operands) {
    forward(name, forward, talus, libtorch, operands);
    row(name, forward, backward, talus, libtorch, true, operands);
  }

  /** Only forward. */
  private void forward(
      String name,
      double passes,
      Function<Tensor[], Tensor> talus,
      Function<org.bytedeco.pytorch.Tensor[], org.bytedeco.pytorch.Tensor> libtorch,
      Input... operands) {
    row(name, passes, 0, talus, libtorch, false, operands);
  }

  private void row(
      String name,
      double passes,
      double backwardPasses,
      Function<Tensor[], Tensor> talus,
      Function<org.bytedeco.pytorch.Tensor[], org.bytedeco.pytorch.Tensor> libtorch,
      boolean backward,
      Input... operands) {
    String shape = Arrays.toString(operands[0].shape()).replaceAll("[\\[\\] ]", "");
    double numbers = Arrays.stream(operands[0].shape()).reduce(1, (a, b) -> a * b);
    List<Input> inputs = List.of(operands);
    // Backward reads again what forward did: what the longer of the two touches is all different.
    rows.add(
        new Row(
                name + " " + shape + (backward ? " fwd+bwd" : " fwd"),
                0,
                4 * numbers * (passes + backwardPasses),
                target,
                () -> new OpWork(inputs, talus, libtorch, backward))
            .withHeld(4 * numbers * Math.max(passes, backwardPasses))
            .withShare(SHARE));
  }

  private static int[] ints(int value) {
    return new int[] {value};
  }

  @Override
  public String name() {
    return "ops";
  }

  @Override
  public String title() {
    return "element-wise operations, pooling, softmax, normalisation, losses, reductions";
  }

  @Override
  public List<Row> rows() {
    return rows;
  }
}
