package dev.talus.tests.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.data.Batch;
import dev.talus.data.Mnist;
import dev.talus.data.Sample;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The MNIST reader, on small files made here. */
class MnistTest {
  private static final int IMAGES = 0x803;
  private static final int LABELS = 0x801;

  private static byte[] idx(int magic, int[] sizes, int... values) {
    ByteBuffer buffer = ByteBuffer.allocate(4 + 4 * sizes.length + values.length);
    buffer.putInt(magic);
    for (int size : sizes) {
      buffer.putInt(size);
    }
    for (int value : values) {
      buffer.put((byte) value);
    }
    return buffer.array();
  }

  private static byte[] images() {
    return idx(IMAGES, new int[] {2, 2, 3}, 0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6);
  }

  private static byte[] labels() {
    return idx(LABELS, new int[] {2}, 7, 0);
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream zip = new GZIPOutputStream(out)) {
      zip.write(bytes);
    }
    return out.toByteArray();
  }

  private static Mnist read(byte[] images, byte[] labels) throws IOException {
    return Mnist.read(new ByteArrayInputStream(images), new ByteArrayInputStream(labels));
  }

  @Test
  void readsImagesAndLabels() throws IOException {
    try (Mnist data = read(images(), gzip(labels()));
        Scope scope = Scope.open()) {
      assertThat(data.size()).isEqualTo(2);
      assertThat(data.images().shape()).hasToString("[2, 2, 3]");
      assertThat(data.images().dtype()).isEqualTo(DType.UINT8);
      assertThat(data.images().toLongArray()).startsWith(0, 51, 102, 153, 204, 255, 1);
      assertThat(data.labels().toLongArray()).containsExactly(7, 0);
      assertThat(data.labels().dtype()).isEqualTo(DType.INT64);
    }
  }

  @Test
  void examplesArePaddedAndNormalised() throws IOException {
    try (Mnist data = read(images(), labels());
        Scope scope = Scope.open()) {
      Sample sample = data.get(0);
      assertThat(sample.x().shape()).hasToString("[1, 6, 7]");
      assertThat(sample.y().itemLong()).isEqualTo(7);
      float[] pixels = sample.x().toFloatArray();
      double black = (0 - 0.1307) / 0.3081;
      assertThat((double) pixels[0]).isCloseTo(black, within(1e-6));
      assertThat((double) pixels[2 * 7 + 2]).isCloseTo(black, within(1e-6));
      assertThat((double) pixels[2 * 7 + 3]).isCloseTo((0.2 - 0.1307) / 0.3081, within(1e-6));
      assertThat((double) pixels[3 * 7 + 4]).isCloseTo((1 - 0.1307) / 0.3081, within(1e-6));
      Batch batch = data.batch(1, 0, 1);
      assertThat(batch.x().shape()).hasToString("[3, 1, 6, 7]");
      assertThat(batch.y().toLongArray()).containsExactly(0, 7, 0);
      assertThat(batch.x().select(0, 1).toFloatArray()).isEqualTo(pixels);
      Tensor same = Mnist.normalize(data.images());
      assertThat(same.select(0, 0).toFloatArray()).isEqualTo(pixels);
    }
  }

  @Test
  void examplesThatAreNotThereAreRefused() throws IOException {
    try (Mnist data = read(images(), labels());
        Scope scope = Scope.open()) {
      for (long index : new long[] {-1, 2}) {
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
            .isThrownBy(() -> data.batch(0, index))
            .withMessageContaining("no image " + index);
      }
      Tensor floats = Tensor.zeros(1, 2, 2);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Mnist.normalize(floats))
          .withMessageContaining("expected uint8 images [N, H, W], got torch.float32 [1, 2, 2]");
    }
  }

  static List<Arguments> broken() throws IOException {
    byte[] cut = Arrays.copyOf(images(), images().length - 1);
    byte[] more = Arrays.copyOf(images(), images().length + 1);
    byte[] torn = gzip(images());
    return List.of(
        Arguments.of("not IDX", "hello world".getBytes(), labels(), "magic number"),
        Arguments.of("labels for images", labels(), labels(), "magic number"),
        Arguments.of("images for labels", images(), images(), "magic number"),
        Arguments.of("nothing", new byte[0], labels(), "ends inside its header"),
        Arguments.of("a cut header", Arrays.copyOf(images(), 9), labels(), "inside its header"),
        Arguments.of("cut", cut, labels(), "truncated"),
        Arguments.of("too long", more, labels(), "more data than the header's sizes"),
        Arguments.of("torn gzip", Arrays.copyOf(torn, torn.length - 12), labels(), "images: "),
        Arguments.of(
            "a negative size", idx(IMAGES, new int[] {-1, 2, 2}), labels(), "negative size"),
        Arguments.of(
            "a huge size",
            idx(IMAGES, new int[] {1 << 30, 1 << 30, 1 << 30}),
            labels(),
            "images: "),
        Arguments.of(
            "another count",
            images(),
            idx(LABELS, new int[] {1}, 3),
            "images has 2 images, but labels has 1 labels"),
        Arguments.of(
            "no digit", images(), idx(LABELS, new int[] {2}, 3, 10), "label 1 is 10, expected 0"),
        Arguments.of("no digit", images(), idx(LABELS, new int[] {2}, 255, 1), "label 0 is 255"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("broken")
  void brokenFilesAreRefusedInWords(String what, byte[] images, byte[] labels, String message) {
    long before = Talus.memory().liveBlocks();
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> read(images, labels))
        .withMessageContaining(message);
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before);
  }

  @Test
  void loadsFromADirectory(@TempDir Path directory) throws IOException {
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> Mnist.load(directory.resolve("nowhere"), true))
        .withMessageContaining("nowhere is not a directory");
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> Mnist.load(directory, true))
        .withMessageContaining("train-images-idx3-ubyte")
        .withMessageContaining(".gz");
    Files.write(directory.resolve("t10k-images-idx3-ubyte"), images());
    Files.write(directory.resolve("t10k-labels-idx1-ubyte.gz"), gzip(labels()));
    try (Mnist data = Mnist.load(directory, false)) {
      assertThat(data.size()).isEqualTo(2);
    }
  }
}
