package dev.talus.tests.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.io.Safetensors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The safetensors format.
 *
 * @see <a href="https://huggingface.co/docs/safetensors/index">safetensors</a>
 */
class SafetensorsTest {
  @TempDir private Path directory;

  private static byte[] file(String header, int dataBytes) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer out = ByteBuffer.allocate(8 + json.length + dataBytes);
    out.order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).put(json);
    for (int i = 0; i < dataBytes; i++) {
      out.put((byte) (i + 1));
    }
    return out.array();
  }

  @Test
  void everyTypeAndShapeComesBack() throws IOException {
    Path file = directory.resolve("all.safetensors");
    long before = Talus.memory().liveBlocks();
    try (Scope scope = Scope.open()) {
      Map<String, Tensor> state = new LinkedHashMap<>();
      state.put("bool", Tensor.of(new boolean[] {true, false, true}));
      state.put("float", Tensor.of(new float[] {1.5f, Float.NaN, -0.0f, 3}, 2, 2));
      state.put("bytes", Tensor.of(new byte[] {1, -1, 3}));
      state.put("double", Tensor.of(new double[] {Math.PI}, 1, 1, 1));
      state.put("long", Tensor.of(new long[] {Long.MIN_VALUE, Long.MAX_VALUE}));
      state.put("int", Tensor.of(new int[] {Integer.MIN_VALUE}));
      state.put("scalar", Tensor.scalar(2.5));
      state.put("empty", Tensor.zeros(2, 0, 3));
      state.put("transposed ü", Tensor.arange(6).view(2, 3).t());
      state.put("parameter", Tensor.ones(2).requiresGrad_(true));
      Safetensors.write(file, state, Map.of("format", "pt", "note", "ä \"quoted\""));
      Map<String, Tensor> read = Safetensors.read(file);
      assertThat(read.keySet()).containsExactlyInAnyOrderElementsOf(state.keySet());
      state.forEach((name, tensor) -> same(read.get(name), tensor));
      assertThat(read.get("transposed ü").isContiguous()).isTrue();
      assertThat(Safetensors.readMetadata(file))
          .containsOnly(Map.entry("format", "pt"), Map.entry("note", "ä \"quoted\""));
    }
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before);
    try (var files = Files.list(directory)) {
      assertThat(files).as("no temporary file is left").hasSize(1);
    }
  }

  private static void same(Tensor actual, Tensor expected) {
    assertThat(actual.dtype()).isEqualTo(expected.dtype());
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(actual.requiresGrad()).isFalse();
    assertThat(actual.toDoubleArray()).isEqualTo(expected.toDoubleArray());
    if (!actual.dtype().isFloating()) {
      assertThat(actual.toLongArray()).isEqualTo(expected.toLongArray());
    }
  }

  @Test
  void largerThanOneChunk() throws IOException {
    Path file = directory.resolve("large.safetensors");
    try (Scope scope = Scope.open()) {
      Tensor large = Tensor.randn(600_001);
      Safetensors.write(file, Map.of("x", large));
      assertThat(Safetensors.read(file).get("x").toFloatArray()).isEqualTo(large.toFloatArray());
    }
  }

  @Test
  void theBytesAreThoseOfTheFormat() throws IOException {
    Path file = directory.resolve("hand.safetensors");
    String header = "{\"a\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[0,8]}}  ";
    Files.write(file, file(header, 8));
    try (Scope scope = Scope.open()) {
      Tensor a = Safetensors.read(file).get("a");
      assertThat(a.toLongArray()).containsExactly(0x04030201, 0x08070605);
      Path copy = directory.resolve("copy.safetensors");
      Safetensors.write(copy, Map.of("a", a));
      byte[] written = Files.readAllBytes(copy);
      long length = ByteBuffer.wrap(written).order(ByteOrder.LITTLE_ENDIAN).getLong();
      assertThat(length % 8).isZero();
      assertThat(new String(written, 8, (int) length, StandardCharsets.UTF_8).strip())
          .isEqualTo(header.strip());
      assertThat(Arrays.copyOfRange(written, 8 + (int) length, written.length))
          .containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
    }
  }

  private static String entry(String name, String dtype, String shape, int from, int to) {
    String text = "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}";
    return String.format(text, name, dtype, shape, from, to);
  }

  static List<Arguments> broken() {
    String good = entry("a", "F32", "[2]", 0, 8);
    byte[] endless = file("{" + good + "}", 8);
    endless[7] = 0x7f;
    byte[] headless = Arrays.copyOf(file("{" + good + "}", 8), 20);
    return List.of(
        Arguments.of("empty", new byte[0], "not a safetensors file"),
        Arguments.of("short", new byte[] {1, 2, 3}, "fewer than the 8"),
        Arguments.of("an endless header", endless, "not a safetensors file"),
        Arguments.of("a cut header", headless, "truncated"),
        Arguments.of("no JSON", file("{\"a\": nonsense}", 8), "not valid JSON"),
        Arguments.of("a list", file("[1, 2]", 8), "does not start with {"),
        Arguments.of("cut data", file("{" + good + "}", 7), "truncated"),
        Arguments.of("more data", file("{" + good + "}", 9), "belong to none"),
        Arguments.of("a type", file("{" + entry("a", "F16", "[4]", 0, 8) + "}", 8), "dtype F16"),
        Arguments.of("a span", file("{" + entry("a", "F32", "[3]", 0, 8) + "}", 8), "span"),
        Arguments.of(
            "a negative size",
            file("{" + entry("a", "F32", "[-2]", 0, 8) + "}", 8),
            "not a valid safetensors file"),
        Arguments.of(
            "a huge shape",
            file("{" + entry("a", "F32", "[4611686018427387904,4]", 0, 8) + "}", 8),
            "impossible shape"),
        Arguments.of(
            "a hole",
            file("{" + good + "," + entry("b", "F32", "[1]", 12, 16) + "}", 16),
            "leaves a hole"),
        Arguments.of(
            "an overlap",
            file("{" + good + "," + entry("b", "F32", "[1]", 4, 8) + "}", 8),
            "overlaps"),
        Arguments.of("offsets", file("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8), "tensor a"),
        Arguments.of("no object", file("{\"a\":3}", 8), "not an object"),
        Arguments.of("bool 3", file("{" + entry("a", "BOOL", "[3]", 0, 3) + "}", 3), "BOOL"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("broken")
  void brokenFilesAreRefusedInWords(String what, byte[] bytes, String message) throws IOException {
    Path file = directory.resolve("broken.safetensors");
    Files.write(file, bytes);
    long before = Talus.memory().liveBlocks();
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> Safetensors.read(file))
        .withMessageContaining("broken.safetensors")
        .withMessageContaining(message);
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before);
  }

  @Test
  void pathsThatAreNotThere() {
    Path nowhere = directory.resolve("no").resolve("where.safetensors");
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> Safetensors.read(nowhere))
        .withMessageContaining("there is no such file");
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> Safetensors.write(nowhere, Map.of()))
        .withMessageContaining("there is no directory");
  }

  @Test
  void aFailedWriteLeavesTheOldFile() throws IOException {
    Path file = directory.resolve("kept.safetensors");
    Tensor closed = Tensor.ones(2);
    try (Scope scope = Scope.open()) {
      Safetensors.write(file, Map.of("a", Tensor.ones(DType.INT64, 1)));
      byte[] before = Files.readAllBytes(file);
      closed.close();
      assertThatExceptionOfType(IllegalStateException.class)
          .isThrownBy(() -> Safetensors.write(file, Map.of("a", closed)));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Safetensors.write(file, Map.of("__metadata__", Tensor.ones(1))));
      assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }
    try (var files = Files.list(directory)) {
      assertThat(files).hasSize(1);
    }
  }
}
