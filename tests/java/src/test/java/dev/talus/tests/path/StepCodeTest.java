package dev.talus.tests.path;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * A training step uses no streams, boxes no numbers and does not reflect: each would cost it more
 * than a small operation takes. So no class does, but for those listed here, which say why a step
 * does not get to those places.
 */
class StepCodeTest {
  private static final String STREAMS = "java/util/stream/";
  private static final String BOXING = "boxing";

  /** By the path of a class, or of a folder with a slash at its end. */
  private static final Map<String, Set<String>> ALLOWED =
      Map.of(
          // Files are read and written between steps, and texts are for people.
          "dev/talus/io/", Set.of(STREAMS, BOXING),
          "dev/talus/internal/print/", Set.of(STREAMS, BOXING),
          "dev/talus/memory/MemoryStats", Set.of(BOXING),
          // Its report of where tensors were made.
          "dev/talus/memory/LeakDetector", Set.of(STREAMS),
          // A message about a broken file.
          "dev/talus/data/IdxReader", Set.of(BOXING),
          // Compares gradients with finite differences, for tests.
          "dev/talus/autograd/GradCheck", Set.of(STREAMS, BOXING),
          // Settings that may be missing, boxed when they are made.
          "dev/talus/nn/BatchNorm1d", Set.of(BOXING),
          "dev/talus/nn/BatchNorm2d", Set.of(BOXING),
          "dev/talus/optim/ParameterGroup", Set.of(BOXING));

  @Test
  void noStreamsNoBoxingNoReflection() throws IOException, URISyntaxException {
    Map<String, Set<String>> found = found();
    Map<String, Set<String>> wrong = new TreeMap<>();
    Map<String, Set<String>> unused = new TreeMap<>();
    ALLOWED.forEach((place, things) -> unused.put(place, new TreeSet<>(things)));
    found.forEach(
        (type, things) -> {
          Set<String> left = new TreeSet<>(things);
          String place = ALLOWED.containsKey(outer(type)) ? outer(type) : folder(type);
          if (ALLOWED.containsKey(place)) {
            left.removeAll(ALLOWED.get(place));
            unused.get(place).removeAll(things);
          }
          if (!left.isEmpty()) {
            wrong.put(type, left);
          }
        });
    unused.values().removeIf(Set::isEmpty);
    assertThat(wrong).as("write plain loops, or say here why no step gets there").isEmpty();
    assertThat(unused).as("allowed, but nothing needs it any more").isEmpty();
  }

  /** What each class of the library refers to of all that a step must not use. */
  private static Map<String, Set<String>> found() throws IOException, URISyntaxException {
    Path library =
        Path.of(Tensor.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    if (Files.isDirectory(library)) {
      return found(library);
    }
    try (FileSystem jar = FileSystems.newFileSystem(library)) {
      return found(jar.getPath("/"));
    }
  }

  private static Map<String, Set<String>> found(Path root) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(root)) {
      files = all.filter(file -> file.toString().endsWith(".class")).toList();
    }
    Map<String, Set<String>> found = new TreeMap<>();
    for (Path file : files) {
      String name = root.relativize(file).toString().replace('\\', '/').replace(".class", "");
      try (InputStream in = Files.newInputStream(file)) {
        Set<String> things = new ConstantPool(in).forbidden();
        found.put(name, things);
      }
    }
    assertThat(found).as("the classes of %s", root).containsKeys("dev/talus/ops/Squeeze");
    return found;
  }

  /** The class that a nested one is part of. */
  private static String outer(String type) {
    int dollar = type.indexOf('$');
    return dollar < 0 ? type : type.substring(0, dollar);
  }

  private static String folder(String type) {
    return type.substring(0, type.lastIndexOf('/') + 1);
  }
}
