package dev.talus;

/** Where a tensor's bytes live. This build computes on {@link #CPU}. */
public final class Device {
  /** The host's processor and memory. */
  public static final Device CPU = new Device("cpu", 0);

  private final String name;
  private final int id;

  private Device(String name, int id) {
    this.name = name;
    this.id = id;
  }

  /** The number that stands for this device at the native border. */
  public int id() {
    return id;
  }

  /** PyTorch's name, such as {@code cpu}. */
  @Override
  public String toString() {
    return name;
  }
}
