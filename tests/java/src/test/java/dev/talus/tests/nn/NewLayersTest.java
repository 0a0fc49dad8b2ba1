package dev.talus.tests.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.nn.AdaptiveAvgPool2d;
import dev.talus.nn.Dropout;
import dev.talus.nn.Dropout2d;
import dev.talus.nn.ELU;
import dev.talus.nn.Embedding;
import dev.talus.nn.F;
import dev.talus.nn.GELU;
import dev.talus.nn.Hardswish;
import dev.talus.nn.Hardtanh;
import dev.talus.nn.LeakyReLU;
import dev.talus.nn.Module;
import dev.talus.nn.ReLU6;
import dev.talus.nn.SiLU;
import dev.talus.nn.Softplus;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Activations, dropout, adaptive pooling and embeddings as modules. */
class NewLayersTest {
  static Arguments[] layers() {
    return new Arguments[] {
      layer(ReLU6::new, "ReLU6()"),
      layer(Hardtanh::new, "Hardtanh(min_val=-1.0, max_val=1.0)"),
      layer(GELU::new, "GELU(approximate='none')"),
      layer(SiLU::new, "SiLU()"),
      layer(LeakyReLU::new, "LeakyReLU(negative_slope=0.01)"),
      layer(ELU::new, "ELU(alpha=1.0)"),
      layer(Softplus::new, "Softplus(beta=1.0, threshold=20.0)"),
      layer(Hardswish::new, "Hardswish()"),
      layer(() -> new Dropout(0.25), "Dropout(p=0.25, inplace=False)"),
      layer(Dropout2d::new, "Dropout2d(p=0.5, inplace=False)"),
      layer(() -> new AdaptiveAvgPool2d(1), "AdaptiveAvgPool2d(output_size=1)"),
      layer(() -> new AdaptiveAvgPool2d(2, 3), "AdaptiveAvgPool2d(output_size=(2, 3))"),
      layer(() -> new Embedding(5, 3), "Embedding(5, 3)"),
      layer(() -> new Embedding(5, 3, 2), "Embedding(5, 3, padding_idx=2)")
    };
  }

  private static Arguments layer(Supplier<Module> layer, String printed) {
    return Arguments.of(layer, printed);
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("layers")
  void printsAsInPyTorch(Supplier<Module> layer, String printed) {
    try (Module module = layer.get()) {
      assertThat(module).hasToString(printed);
    }
  }

  @Test
  void activationsComputeWhatTheirFunctionsDo() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.randn(40).mul(4);
      same(new ReLU6().forward(x), x.clamp(0, 6));
      same(new Hardtanh().forward(x), x.clamp(-1, 1));
      same(new GELU().forward(x), F.gelu(x, "none"));
      same(new GELU("tanh").forward(x), F.gelu(x, "tanh"));
      same(new SiLU().forward(x), x.mul(x.sigmoid()));
      same(new LeakyReLU(0.2).forward(x), F.leakyRelu(x, 0.2));
      same(new ELU(2).forward(x), F.elu(x, 2));
      same(new Softplus(0.5, 10).forward(x), F.softplus(x, 0.5, 10));
      same(new Hardswish().forward(x), F.hardswish(x));
    }
  }

  private static void same(Tensor actual, Tensor expected) {
    assertThat(actual.allclose(expected, 1e-6, 1e-6)).isTrue();
  }

  @Test
  void dropoutZerosAndScalesInTrainingOnly() {
    try (Scope scope = Scope.open()) {
      Talus.manualSeed(3);
      Dropout dropout = new Dropout(0.2);
      Tensor x = Tensor.ones(10_000).requiresGrad_(true);
      Tensor y = dropout.forward(x);
      y.sum().backward();
      int zeros = 0;
      for (float v : y.toFloatArray()) {
        assertThat(v == 0 || v == 1.25f).isTrue();
        zeros += v == 0 ? 1 : 0;
      }
      assertThat(zeros).isBetween(1800, 2200);
      assertThat(x.grad().toFloatArray()).isEqualTo(y.toFloatArray());
      Talus.manualSeed(3);
      assertThat(dropout.forward(x).toFloatArray()).isEqualTo(y.toFloatArray());
      dropout.eval();
      assertThat(dropout.forward(x)).isSameAs(x);
      assertThat(F.dropout(x, 1, true).sum().item()).isZero();
      assertThat(F.dropout(x, 0, true)).isSameAs(x);
    }
  }

  @Test
  void dropoutOfTransposedTensorsAndOfGradients() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.arange(12).to(DType.FLOAT64).view(3, 4);
      Talus.manualSeed(5);
      double[] dense = F.dropout(x.t().contiguous(), 0.5, true).toDoubleArray();
      Talus.manualSeed(5);
      Tensor turned = x.t().requiresGrad_(true);
      Tensor y = F.dropout(turned, 0.5, true);
      assertThat(y.toDoubleArray()).isEqualTo(dense);
      Tensor grad = Autograd.grad(y.mul(y).sum(), new Tensor[] {turned}, null, true, true)[0];
      grad.sum().backward(); // 8 x where kept, so 8
      double[] twice = turned.grad().toDoubleArray();
      for (int i = 1; i < dense.length; i++) {
        assertThat(twice[i]).isEqualTo(dense[i] == 0 ? 0 : 8);
      }
    }
  }

  @Test
  void dropout2dTakesWholeChannels() {
    try (Scope scope = Scope.open()) {
      Talus.manualSeed(1);
      float[] y = new Dropout2d(0.5).forward(Tensor.ones(8, 8, 3, 3)).toFloatArray();
      for (int i = 0; i < y.length; i++) {
        assertThat(y[i]).isEqualTo(y[i / 9 * 9]);
      }
      assertThat(y).contains(0f).contains(2f);
    }
  }

  @Test
  void probabilitiesOutOfRangeAreRefused() {
    for (double p : new double[] {-0.1, 1.1, Double.NaN}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new Dropout(p))
          .withMessageContaining("dropout probability has to be between 0 and 1, but got");
      try (Tensor x = Tensor.ones(2)) {
        assertThatIllegalArgumentException().isThrownBy(() -> F.dropout(x, p, false));
      }
    }
  }

  @Test
  void thePaddingRowIsZeroAndGetsNoGradient() {
    try (Scope scope = Scope.open();
        Embedding table = new Embedding(4, 2, 1)) {
      assertThat(table.weight().select(0, 1).abs().sum().item()).isZero();
      table.forward(Tensor.of(new long[] {1, 3, 3, 1}, 2, 2)).sum().backward();
      assertThat(table.weight().grad().toFloatArray()).containsExactly(0, 0, 0, 0, 0, 0, 2, 2);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new Embedding(4, 2, 4))
          .withMessageContaining("Padding_idx must be within num_embeddings");
    }
  }

  @Test
  void givenEmbeddingsAreFrozenOrNot() {
    try (Scope scope = Scope.open();
        Embedding frozen = Embedding.fromPretrained(Tensor.ones(2, 3), true);
        Embedding learnt = Embedding.fromPretrained(Tensor.ones(2, 3), false)) {
      Tensor index = Tensor.of(new long[] {1}, 1);
      assertThat(frozen.forward(index).requiresGrad()).isFalse();
      assertThat(learnt.forward(index).gradFn().name()).isEqualTo("EmbeddingBackward");
    }
  }
}
