package dev.talus.data;

import dev.talus.Device;
import dev.talus.Generator;
import dev.talus.Tensor;

/**
 * Cuts a {@link Dataset} into batches, in a new order each epoch if wanted, and prepares them on
 * worker threads while the network computes.
 *
 * <pre>{@code
 * DataLoader loader = new DataLoader(train, 64).shuffle(true).workers(1);
 * for (Batch batch : loader) {
 *   try (batch; Scope step = Scope.open()) {
 *     ...
 *   }
 * }
 * }</pre>
 *
 * <p>The order is PyTorch's for the same seed, and does not depend on the number of workers. To
 * leave an epoch early, take the {@link #iterator()} yourself and close it.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/data.html">torch.utils.data.DataLoader</a>
 */
public final class DataLoader implements Iterable<Batch> {
  private final Dataset dataset;
  private final int batchSize;
  private boolean shuffle;
  private boolean dropLast;
  private int workers;
  private int prefetch = 2;
  private Generator generator;
  private Device device;
  private Batches last;

  /**
   * In order, without workers.
   *
   * @param dataset the examples
   * @param batchSize how many make a batch, 1 or more
   * @throws IllegalArgumentException if batchSize is less than 1
   */
  public DataLoader(Dataset dataset, int batchSize) {
    this.dataset = dataset;
    this.batchSize = atLeast("batch size", batchSize, 1);
  }

  private static int atLeast(String what, int value, int minimum) {
    if (value < minimum) {
      throw new IllegalArgumentException(
          "DataLoader: " + what + " must be " + minimum + " or more, got " + value);
    }
    return value;
  }

  /**
   * Sets whether each epoch has an order of its own; false by default.
   *
   * @param value true to shuffle
   * @return this
   */
  public DataLoader shuffle(boolean value) {
    shuffle = value;
    return this;
  }

  /**
   * Gives the order a seed of its own. Without one it follows {@code Talus.manualSeed}.
   *
   * @param seed any number
   * @return this
   */
  public DataLoader seed(long seed) {
    generator = new Generator().manualSeed(seed);
    return this;
  }

  /**
   * Sets whether a last batch with too few examples is left out; false by default.
   *
   * @param value true to leave it out
   * @return this
   */
  public DataLoader dropLast(boolean value) {
    dropLast = value;
    return this;
  }

  /**
   * Sets how many threads prepare batches; 0, the default, prepares them on the caller's.
   *
   * @param count 0 or more
   * @return this
   * @throws IllegalArgumentException if it is negative
   */
  public DataLoader workers(int count) {
    workers = atLeast("workers", count, 0);
    return this;
  }

  /**
   * Sets how many batches each worker prepares ahead; 2 by default.
   *
   * @param depth 1 or more
   * @return this
   * @throws IllegalArgumentException if it is less than 1
   */
  public DataLoader prefetch(int depth) {
    prefetch = atLeast("prefetch depth", depth, 1);
    return this;
  }

  /**
   * Sets where batches go. Workers copy them to a GPU ahead, on a stream of their own, and the
   * stream of the thread that is handed a batch waits for its copy; without workers a batch is
   * moved as it is handed out. By default it stays where the data set made it.
   *
   * @param where the device of the network
   * @return this
   */
  public DataLoader device(Device where) {
    device = where;
    return this;
  }

  /** How many batches an epoch has. */
  public long size() {
    long examples = dataset.size();
    return dropLast ? examples / batchSize : (examples + batchSize - 1) / batchSize;
  }

  /** The examples. */
  public Dataset dataset() {
    return dataset;
  }

  /** The share of the last epoch's time that its consumer waited for batches, 0 to 1. */
  public double waitShare() {
    return last == null ? 0 : last.waitShare();
  }

  /** Starts an epoch. */
  @Override
  public Batches iterator() {
    last = new Batches(dataset, order(), batchSize, size(), workers, prefetch, device);
    return last;
  }

  private long[] order() {
    long examples = dataset.size();
    Generator source = generator == null ? Generator.defaultGenerator() : generator;
    // PyTorch's loader draws one number per epoch for its workers, shuffling or not.
    draw(source);
    if (!shuffle) {
      return null;
    }
    // And without a generator of one's own, a second one seeds the shuffling.
    Generator shuffler = generator == null ? new Generator().manualSeed(draw(source)) : generator;
    // PyTorch's sampler draws a second permutation when its first is used up, and takes none of it.
    try (Tensor permutation = Tensor.randperm(shuffler, examples);
        Tensor unused = Tensor.randperm(shuffler, examples)) {
      return permutation.toLongArray();
    }
  }

  /** A number in [0, 2^63), as PyTorch's {@code random_} of an int64 tensor draws it. */
  private static long draw(Generator source) {
    try (Tensor number = Tensor.randint(source, Long.MIN_VALUE, 0, 1)) {
      return number.itemLong() - Long.MIN_VALUE;
    }
  }
}
