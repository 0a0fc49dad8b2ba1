package dev.talus.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import org.junit.jupiter.api.Test;

/** Devices where there is no GPU; with one, see the tests of group "cuda". */
class DeviceTest {
  @Test
  void theCpuIsAlwaysThere() {
    assertThat(Device.of("cpu")).isSameAs(Device.CPU).hasToString("cpu");
    assertThat(Device.CPU.isCuda()).isFalse();
    assertThat(Device.CPU.index()).isZero();
    assertThat(Device.CPU.hardwareName()).isEqualTo("CPU");
    Device.CPU.synchronize();
    assertThat(Talus.memory(Device.CPU).limitBytes()).isEqualTo(Talus.memory().limitBytes());
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.ones(2);
      assertThat(x.device()).isSameAs(Device.CPU);
      assertThat(x.cpu()).isSameAs(x);
      assertThat(x.to(Device.CPU)).isSameAs(x);
    }
  }

  @Test
  void aMissingGpuIsRefusedWithTheReason() {
    assumeFalse(Device.isCudaAvailable(), "this machine has a GPU");
    assertThat(Device.cudaCount()).isZero();
    assertThat(Device.whyNoCuda()).isNotBlank();
    assertThatThrownBy(Device::cuda)
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessage("no CUDA device can be used: " + Device.whyNoCuda());
    try (Tensor x = Tensor.ones(2)) {
      assertThatThrownBy(x::cuda).isInstanceOf(UnsupportedOperationException.class);
    }
  }

  @Test
  void unknownNamesAreRefused() {
    for (String name : new String[] {"gpu", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda0", ""}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Device.of(name))
          .withMessage("device '" + name + "' is unknown; expected cpu, cuda or cuda:INDEX");
    }
  }
}
