package dev.talus.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What networks need, counted by hand or known from elsewhere. */
class MultiplyAddsTest {
  @Test
  void smallNetworksAreCountedByHand() {
    double linear = 576 * 120 + 120 * 84 + 84 * 10;
    double first = 6 * 900 * 9;
    double all = first + 16 * 169 * 54 + linear;
    assertThat(MultiplyAdds.lenet().inference(1)).isEqualTo(2 * all);
    assertThat(MultiplyAdds.lenet().training(8)).isEqualTo(8 * 2 * (3 * all - first));
    assertThat(MultiplyAdds.mlp().inference(1))
        .isEqualTo(2 * (784 * 1024 + 1024 * 1024 + 1024 * 10));
  }

  /** Publications give 0.56 and 0.15 thousand million for images of 32 x 32. */
  @Test
  void largeNetworksNeedWhatIsPublished() {
    assertThat(MultiplyAdds.resNet18().inference(1) / 2).isBetween(0.555e9, 0.557e9);
    assertThat(MultiplyAdds.vgg11().inference(1) / 2).isBetween(0.152e9, 0.154e9);
  }

  @Test
  void everyNetworkThatIsTrainedHasACount() {
    for (Family family : new Family[] {new LeNetFamily(), new NetsFamily()}) {
      assertThat(family.rows()).allSatisfy(row -> assertThat(row.flops()).isPositive());
    }
  }
}
