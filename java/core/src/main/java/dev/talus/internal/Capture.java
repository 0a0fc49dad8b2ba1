package dev.talus.internal;

import dev.talus.Device;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What a graph that is being captured must know of the Java side: which random generators it draws
 * from, and whose numbers change from one replay to the next. The thread's {@link Context} has it.
 */
public final class Capture {
  /** Something that a replay takes from the host, in the order in which it was captured. */
  public interface Renewal {
    /**
     * Makes the same native call as in the capture, with the numbers of the next replay.
     *
     * @throws IllegalStateException if what the graph uses is gone
     */
    void renew();

    /** The replay was launched. */
    void replayed();
  }

  private final Device device;
  private final List<Object> generators = new ArrayList<>();
  private final List<Renewal> renewals = new ArrayList<>();

  /**
   * Of a graph of a device.
   *
   * @param device a GPU
   */
  public Capture(Device device) {
    this.device = device;
  }

  /** The capture that this thread's work on a device goes into, or null. */
  public static Capture of(Device device) {
    Capture capture = Context.get().capture;
    return capture == null || capture.device != device ? null : capture;
  }

  /** Notes that replays will draw from a generator. */
  public void draws(Object generator) {
    for (Object known : generators) {
      if (known == generator) {
        return;
      }
    }
    generators.add(generator);
  }

  /** Notes that each replay has to renew something. */
  public void renews(Renewal renewal) {
    renewals.add(renewal);
  }

  /** The generators, in an order that is the same in all captures: who locks them needs that. */
  public List<Object> generators() {
    generators.sort(Comparator.comparingInt(System::identityHashCode));
    return generators;
  }

  /** What has to be renewed, in order. */
  public List<Renewal> renewals() {
    return renewals;
  }
}
