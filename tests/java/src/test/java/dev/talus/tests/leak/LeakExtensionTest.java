package dev.talus.tests.leak;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.talus.Scope;
import dev.talus.Tensor;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The leak check sees a planted leak, and JUnit runs it for classes that do not mention it. */
class LeakExtensionTest {
  @Test
  void aPlantedLeakIsAnError() {
    LeakCheck check = LeakCheck.begin();
    Tensor leaked = Tensor.zeros(3);
    assertThat(check.leaked()).isEqualTo(1);
    assertThatThrownBy(() -> check.end("Planted"))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("Planted left 1 blocks")
        .hasMessageContaining("talus.memory.leak=full");
    leaked.close();
    assertThatCode(() -> check.end("Planted")).doesNotThrowAnyException();
  }

  @Test
  void aForgottenGradientIsALeak() {
    LeakCheck check = LeakCheck.begin();
    Tensor leaf = Tensor.ones(2).requiresGrad_(true);
    try (Scope scope = Scope.open()) {
      leaf.mul(2.0).sum().backward();
    }
    assertThat(check.leaked()).as("the leaf and its gradient").isEqualTo(2);
    leaf.close();
    assertThat(check.leaked()).isZero();
  }

  @Test
  void theExtensionIsRegisteredByItself() {
    assertThat(LeakExtension.watches(LeakExtensionTest.class)).isTrue();
  }

  @Nested
  class Inside {
    @Test
    void nestedClassesAreWatchedToo() {
      assertThat(LeakExtension.watches(Inside.class)).isTrue();
    }
  }
}
