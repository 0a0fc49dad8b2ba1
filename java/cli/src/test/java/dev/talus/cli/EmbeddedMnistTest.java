package dev.talus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.data.Mnist;
import dev.talus.examples.EmbeddedMnist;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class EmbeddedMnistTest {
  @Test
  void holdsAllOfMnist() throws IOException {
    try (Mnist train = EmbeddedMnist.open(true);
        Mnist test = EmbeddedMnist.open(false)) {
      assertThat(train.images().sizes()).containsExactly(60_000, 28, 28);
      assertThat(test.images().sizes()).containsExactly(10_000, 28, 28);
      // The first labels of the two sets.
      assertThat(train.labels().toLongArray()).startsWith(5, 0, 4, 1, 9, 2, 1, 3, 1, 4);
      assertThat(test.labels().toLongArray()).startsWith(7, 2, 1, 0, 4, 1, 4, 9, 5, 9);
    }
  }
}
