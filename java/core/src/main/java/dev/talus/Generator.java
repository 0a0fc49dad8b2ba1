package dev.talus;

import dev.talus.internal.Capture;
import dev.talus.internal.Native;
import java.lang.ref.Cleaner;

/**
 * A source of random numbers that repeats PyTorch's CPU generator (mt19937) number for number.
 *
 * <p>It serves all devices. On a GPU numbers come from a Philox generator with the same seed, so
 * that every thread of the device makes its own: they repeat with the seed and are the same on
 * every GPU, but are not the CPU's, nor PyTorch's on a GPU, which depend on the GPU's model. Only
 * permutations are the CPU's everywhere.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.Generator.html">Generator</a>
 */
public final class Generator {
  /** PyTorch's seed of a fresh generator. */
  private static final long DEFAULT_SEED = 67280421310721L;

  private static final Cleaner CLEANER = Cleaner.create();
  private static final Generator DEFAULT = new Generator();

  private final long handle;
  private long seed;

  /** A generator with PyTorch's default seed, 67280421310721. */
  public Generator() {
    seed = DEFAULT_SEED;
    handle = Native.generatorCreate(seed);
    long address = handle;
    CLEANER.register(this, () -> Native.generatorFree(address));
  }

  /** The generator used where none is named; {@link Talus#manualSeed} seeds it. */
  public static Generator defaultGenerator() {
    return DEFAULT;
  }

  /**
   * Starts the sequence that belongs to a seed.
   *
   * @param newSeed any number
   * @return this
   */
  public synchronized Generator manualSeed(long newSeed) {
    seed = newSeed;
    Native.generatorSeed(handle, newSeed);
    return this;
  }

  /** The seed this generator was last started with. */
  public synchronized long initialSeed() {
    return seed;
  }

  /** A generator in the same state, which then goes its own way. */
  public synchronized Generator copy() {
    Generator copy = new Generator();
    copy.seed = seed;
    Native.generatorCopy(handle, copy.handle);
    return copy;
  }

  /** A graph that is being captured draws from this generator whenever it is replayed. */
  private void drawsFor(Tensor out) {
    Capture capture = Capture.of(out.device());
    if (capture != null) {
      capture.draws(this);
    }
  }

  /** Fills a contiguous tensor with uniform numbers in [from, to). */
  synchronized void uniform(Tensor out, double from, double to) {
    drawsFor(out);
    Native.uniform(
        out.device().id(), handle, out.dtype().code(), out.numel(), from, to, out.address());
  }

  /** Fills a contiguous tensor with normal numbers. */
  synchronized void normal(Tensor out, double mean, double std) {
    drawsFor(out);
    Native.normal(
        out.device().id(), handle, out.dtype().code(), out.numel(), mean, std, out.address());
  }

  /** Fills a contiguous tensor with integers in [low, high). */
  synchronized void randomInt(Tensor out, long low, long high) {
    drawsFor(out);
    Native.randomInt(
        out.device().id(), handle, out.dtype().code(), out.numel(), low, high, out.address());
  }

  /** Fills a contiguous tensor with 1 with probability p, else 0. */
  synchronized void bernoulli(Tensor out, double p) {
    drawsFor(out);
    Native.bernoulli(out.device().id(), handle, out.dtype().code(), out.numel(), p, out.address());
  }

  /** Fills a contiguous int64 tensor with a permutation of 0…n-1. */
  synchronized void permutation(Tensor out) {
    Native.permutation(out.device().id(), handle, out.numel(), out.address());
  }
}
