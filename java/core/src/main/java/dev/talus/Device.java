package dev.talus;

import dev.talus.internal.Native;

/**
 * Where a tensor's bytes live and its operations run: {@link #CPU}, or a GPU by {@link #cuda(int)}.
 *
 * <p>A GPU runs what it is given later, in order; reading a value waits for it. There is one object
 * for each device.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.device">device</a>
 */
public final class Device {
  /** The host's processor and memory. */
  public static final Device CPU = new Device("cpu", 0);

  /** The GPUs, once somebody asks for them. */
  private static final class Gpus {
    static final Device[] ALL = new Device[Native.cudaCount()];

    static {
      for (int i = 0; i < ALL.length; i++) {
        ALL[i] = new Device("cuda:" + i, 1 + i);
      }
    }
  }

  private final String name;
  private final int id;

  private Device(String name, int id) {
    this.name = name;
    this.id = id;
  }

  /** The first GPU. */
  public static Device cuda() {
    return cuda(0);
  }

  /**
   * A GPU.
   *
   * @param index from 0 to below {@link #cudaCount()}
   * @throws UnsupportedOperationException if no GPU can be used, saying why
   * @throws IllegalArgumentException if there are GPUs, but none of this number
   */
  public static Device cuda(int index) {
    Device[] all = Gpus.ALL;
    if (all.length == 0) {
      throw new UnsupportedOperationException("no CUDA device can be used: " + whyNoCuda());
    }
    if (index < 0 || index >= all.length) {
      throw new IllegalArgumentException(
          "CUDA device "
              + index
              + " does not exist; this machine has "
              + all.length
              + ", numbered from 0");
    }
    return all[index];
  }

  /** How many GPUs can be used: 0 without a driver, and where Talus was built without CUDA. */
  public static int cudaCount() {
    return Gpus.ALL.length;
  }

  /** Whether a GPU can be used; {@link #whyNoCuda()} tells what is missing. */
  public static boolean isCudaAvailable() {
    return cudaCount() > 0;
  }

  /** Why no GPU can be used, or null if one can. */
  public static String whyNoCuda() {
    return isCudaAvailable() ? null : Native.missingCuda();
  }

  /**
   * The device of a name.
   *
   * @param name {@code cpu}, {@code cuda} or {@code cuda:1}
   * @throws IllegalArgumentException if no device has such a name
   * @throws UnsupportedOperationException if it names a GPU and none can be used
   */
  public static Device of(String name) {
    if (name.equals("cpu")) {
      return CPU;
    }
    if (name.matches("cuda(:\\d{1,4})?")) {
      return cuda(name.length() == 4 ? 0 : Integer.parseInt(name.substring(5)));
    }
    throw new IllegalArgumentException(
        "device '" + name + "' is unknown; expected cpu, cuda or cuda:INDEX");
  }

  /** Whether this is a GPU. */
  public boolean isCuda() {
    return this != CPU;
  }

  /** Which of its kind this is: the number after {@code cuda:}, 0 for the CPU. */
  public int index() {
    return isCuda() ? id - 1 : 0;
  }

  /** The hardware's own name, such as {@code NVIDIA H100}; {@code CPU} for the CPU. */
  public String hardwareName() {
    return Native.deviceName(id);
  }

  /**
   * Waits until the device has done all it was given, for measurements; errors of its operations
   * are reported here. Reading values waits by itself.
   */
  public void synchronize() {
    Native.synchronize(id);
  }

  /** The number that stands for this device at the native border. */
  public int id() {
    return id;
  }

  /** PyTorch's name, such as {@code cpu} or {@code cuda:0}. */
  @Override
  public String toString() {
    return name;
  }
}
