package dev.talus.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import com.sun.management.ThreadMXBean;
import dev.talus.Talus;
import dev.talus.autograd.Node;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Trains one network with one library, alone in its process, and prints what memory it took. */
final class MemoryProbe {
  /** For each step that is watched, steps before it until everything is allocated and compiled. */
  static final int FIRST_STEPS = 3;

  private static final int FAULT_ROUNDS = 3;

  private MemoryProbe() {}

  /** Measures; arguments: the network's name and the library. */
  public static void main(String[] args) throws IOException {
    Nets.Net net = Nets.named(args[0]);
    boolean talus = args[1].equals(Rival.TALUS);
    Settings settings = Settings.fromProperties();
    try (Trainer trainer = talus ? net.talus().get() : net.torch().get()) {
      trainer.setThreads(settings.threads()[settings.threads().length - 1]);
      long before = status("VmRSS");
      // The kernel's mark of the highest value starts again from here.
      Files.writeString(Path.of("/proc/self/clear_refs"), "5");
      for (int i = 0; i < FIRST_STEPS * net.steps(); i++) {
        trainer.step();
      }
      long peak = status("VmHWM");
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      long operations = Node.nextSequence();
      long heap = threads.getCurrentThreadAllocatedBytes();
      long allocations = talus ? Talus.memory().systemAllocations() : 0;
      for (int i = 0; i < net.steps(); i++) {
        trainer.step();
      }
      long heapAfter = threads.getCurrentThreadAllocatedBytes();
      operations = Node.nextSequence() - operations;
      Faults faults = fewestFaults(trainer, net.steps());
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("resident_before_bytes", before);
      result.put("peak_bytes", peak - before);
      result.put("heap_bytes", perStep(heapAfter - heap, net));
      result.put("page_faults", perStep(faults.computing(), net));
      result.put("other_page_faults", perStep(faults.other(), net));
      if (talus) {
        result.put("operations", perStep(operations, net));
        long now = Talus.memory().systemAllocations();
        result.put("system_allocations", perStep(now - allocations, net));
      }
      System.out.println(JSON.std.asString(result));
    }
  }

  private static long status(String key) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith(key + ":")) {
        return 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
      }
    }
    throw new IOException("/proc/self/status has no " + key);
  }

  /**
   * Those of the quietest of some rounds: what tensors cost comes again, what the JVM sets up not.
   */
  private static Faults fewestFaults(Trainer trainer, int steps) throws IOException {
    Faults fewest = null;
    for (int round = 0; round < FAULT_ROUNDS; round++) {
      Faults before = Faults.now();
      for (int i = 0; i < steps; i++) {
        trainer.step();
      }
      Faults faults = Faults.now().since(before);
      if (fewest == null || faults.computing() < fewest.computing()) {
        fewest = faults;
      }
    }
    return fewest;
  }

  private static double perStep(long total, Nets.Net net) {
    return (double) total / net.steps();
  }
}
