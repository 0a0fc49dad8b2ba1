package dev.talus.tests.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.nn.Conv2d;
import dev.talus.nn.Linear;
import dev.talus.nn.Module;
import dev.talus.nn.init.Init;
import dev.talus.nn.init.Init.Fan;
import dev.talus.nn.init.Init.Nonlinearity;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Initial values after manualSeed(0): the first two and the last element, and the sum in double
 * precision, all as PyTorch 2.13.0 printed them.
 */
class InitTest {
  private static Arguments layer(
      String what, Supplier<Module> layer, String parameter, float... values) {
    return Arguments.of(what + "." + parameter, layer, parameter, values);
  }

  static List<Arguments> layers() {
    Supplier<Module> conv = () -> new Conv2d(3, 8, 5);
    Supplier<Module> groups = () -> new Conv2d(4, 8, new int[] {3, 2}, Conv2d.options().groups(2));
    Supplier<Module> linear = () -> new Linear(17, 9);
    Supplier<Module> noBias = () -> new Linear(5, 4, false);
    return List.of(
        layer("Conv2d", conv, "weight", -0.000864503498f, 0.0619431697f, 0.104253322f),
        layer("Conv2d", conv, "bias", -0.0974088088f, -0.0435695499f, -0.053415563f),
        layer("groups", groups, "weight", -0.00216125883f, 0.154857919f, -0.187262654f),
        layer("groups", groups, "bias", 0.144139826f, 0.0604200959f, -0.0726551414f),
        layer("Linear", linear, "weight", -0.00181582058f, 0.130106673f, -0.0491951369f),
        layer("Linear", linear, "bias", 0.133007988f, 0.13112472f, -0.047620099f),
        layer("no bias", noBias, "weight", -0.0033482078f, 0.239904866f, -0.1947449f));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("layers")
  void layersStartAsInPyTorch(
      String name, Supplier<Module> layer, String parameter, float[] expected) {
    Talus.manualSeed(0);
    try (Module module = layer.get()) {
      float[] values = module.namedParameters().get(parameter).toFloatArray();
      assertThat(new float[] {values[0], values[1], values[values.length - 1]})
          .as("bit for bit")
          .isEqualTo(expected);
    }
  }

  static List<Arguments> sums() {
    Supplier<Module> conv = () -> new Conv2d(3, 8, 5);
    Supplier<Module> linear = () -> new Linear(17, 9);
    return List.of(
        Arguments.of(conv, "weight", -0.47663088685658295),
        Arguments.of(conv, "bias", -0.20630117505788803),
        Arguments.of(linear, "weight", -1.7220084477448836),
        Arguments.of(linear, "bias", -0.25222567841410637));
  }

  @ParameterizedTest
  @MethodSource("sums")
  void allElementsAreThoseOfPyTorch(Supplier<Module> layer, String parameter, double sum) {
    Talus.manualSeed(0);
    try (Module module = layer.get()) {
      double actual = 0;
      for (float value : module.namedParameters().get(parameter).toFloatArray()) {
        actual += value;
      }
      assertThat(actual).isCloseTo(sum, within(1e-13));
    }
  }

  private static Arguments function(UnaryOperator<Tensor> init, double... values) {
    return Arguments.of(init, values);
  }

  static List<Arguments> functions() {
    return List.of(
        function(
            w -> Init.kaimingNormal_(w, 0, Fan.OUT, Nonlinearity.RELU),
            -0.459622204,
            -0.47044909,
            -0.647763014,
            0.50671997852623463),
        function(
            w -> Init.xavierUniform_(w, 2),
            -0.00693144882,
            0.496650279,
            0.542827964,
            -4.0181220383383334),
        function(
            w -> Init.xavierNormal_(w, 1),
            -0.300893337,
            -0.307981223,
            -0.424060404,
            0.33172600716352463),
        function(
            w -> Init.kaimingUniform_(w, 1),
            -0.00324188825,
            0.232286885,
            0.253884524,
            -1.8793044174090028),
        function(
            w -> Init.normal_(w, 1, 2), -1.25167966, -1.3047204, -2.17337751, 50.482410967350006),
        function(
            w -> Init.uniform_(w, -1, 3), 0.98502636, 2.07288718, 2.17264247, 39.319864511489868),
        function(w -> Init.constant_(w, 2.5), 2.5, 2.5, 2.5, 120),
        function(Init::zeros_, 0, 0, 0, 0),
        function(Init::ones_, 1, 1, 1, 48));
  }

  @ParameterizedTest
  @MethodSource("functions")
  void functionsAgree(UnaryOperator<Tensor> init, double[] expected) {
    Talus.manualSeed(0);
    try (Scope scope = Scope.open()) {
      Tensor weight = Tensor.empty(3, 4, 2, 2).requiresGrad_(true);
      assertThat(init.apply(weight)).isSameAs(weight);
      assertThat(weight.isLeaf() && weight.requiresGrad()).isTrue();
      double[] values = weight.toDoubleArray();
      double sum = 0;
      for (double value : values) {
        sum += value;
      }
      double[] actual = {values[0], values[1], values[values.length - 1], sum};
      for (int i = 0; i < 4; i++) {
        assertThat(actual[i]).isCloseTo(expected[i], within(2e-6 * Math.abs(expected[i])));
      }
    }
  }

  @Test
  void fansOfAVectorAreRefused() {
    try (Scope scope = Scope.open()) {
      Tensor vector = Tensor.zeros(3);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Init.kaimingUniform_(vector, 1))
          .withMessageContaining("can not be computed for tensor with fewer than 2 dimensions")
          .withMessageContaining("[3]");
    }
  }
}
