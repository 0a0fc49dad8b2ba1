package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Which GPUs are expected to round. It needs none itself. */
class Tf32Test {
  private static final String GPUS =
      "Tesla T4, 7.5\nNVIDIA H100 80GB HBM3, 9.0\nNVIDIA B200, 10.0\n";

  @Test
  void theComputeCapabilityDecides() {
    assertThat(Tf32.isThere("Tesla T4", GPUS)).isFalse();
    assertThat(Tf32.isThere("NVIDIA H100 80GB HBM3", GPUS)).isTrue();
    assertThat(Tf32.isThere("NVIDIA B200", GPUS)).isTrue();
  }

  @Test
  void aGpuThatNobodyKnowsIsExpectedToRound() {
    assertThat(Tf32.isThere("NVIDIA H100", GPUS)).isTrue();
    assertThat(Tf32.isThere("Tesla T4", "")).isTrue();
    assertThat(Tf32.isThere("Tesla T4", "Tesla T4, [N/A]\n")).isTrue();
  }
}
