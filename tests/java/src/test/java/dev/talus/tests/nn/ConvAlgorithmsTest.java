package dev.talus.tests.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.talus.ConvAlgorithms;
import dev.talus.ConvRules;
import dev.talus.ConvRules.Rule;
import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The choice of a convolution's algorithm: asked for, and overridden. */
class ConvAlgorithmsTest {
  private static final int[] ONE = {1};

  @AfterEach
  void leaveItToTheRule() {
    Talus.forceConvAlgorithms("auto");
  }

  private static ConvAlgorithms of(int stride, int dilation) {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.zeros(2, 6, 15, 15);
      Tensor w = Tensor.zeros(16, 6, 3, 3);
      return Talus.convAlgorithms(x, w, new int[] {stride}, ONE, new int[] {dilation}, 1);
    }
  }

  @Test
  void overriddenForAllPassesOrByPass() {
    Talus.forceConvAlgorithms("gemm");
    assertThat(of(1, 1)).hasToString("forward=gemm,input=gemm,weight=gemm");
    Talus.forceConvAlgorithms("forward=direct, weight=direct");
    assertThat(of(1, 1)).isEqualTo(new ConvAlgorithms("direct", "gemm", "direct"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "forward=gemm,input=fft",
        "gemm,fft",
        "gemm,backward=gemm",
        "weight=fft,weight=gemm",
        "gemm,forward="
      })
  void nothingIsOverriddenByWhatIsWrongInPart(String choice) {
    Talus.forceConvAlgorithms("input=direct");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Talus.forceConvAlgorithms(choice))
        .withMessageContaining("expected one of");
    assertThat(Talus.convRules().forced()).isEqualTo(Map.of("input", "direct"));
  }

  @Test
  void whatAnAlgorithmCannotDoIsLeftToTheRule() {
    Talus.forceConvAlgorithms("direct");
    assertThat(of(1, 1).input()).isEqualTo("direct");
    assertThat(of(2, 2)).isEqualTo(new ConvAlgorithms("direct", "gemm", "direct"));
  }

  @Test
  void theRulesCanBeRead() {
    ConvRules rules = Talus.convRules();
    assertThat(rules.dtype()).isEqualTo(DType.FLOAT32);
    assertThat(rules.isa()).isEqualTo(Talus.isa());
    assertThat(rules.rules().stream().map(Rule::pass).distinct())
        .containsExactly("forward", "input", "weight");
    assertThat(rules.rules())
        .contains(new Rule("forward", "direct", "weights < 1024 or (grouped and inputs <= 32)"))
        .endsWith(new Rule("weight", "direct", "always"));
    assertThat(rules.rules().stream().filter(rule -> rule.condition().equals("always")))
        .containsExactly(
            new Rule("forward", "direct", "always"),
            new Rule("input", "direct", "always"),
            new Rule("input", "gemm", "always"),
            new Rule("weight", "direct", "always"));
    assertThat(rules.algorithms())
        .containsOnlyKeys("direct", "gemm", "winograd", "winograd1d", "depthwise", "channels");
    assertThat(rules.words()).containsKeys("fewest", "row_fill").doesNotContainKey("always");
    assertThat(rules.forced()).isEmpty();
    Talus.forceConvAlgorithms("input=gemm");
    assertThat(Talus.convRules().forced()).isEqualTo(Map.of("input", "gemm"));
  }

  @Test
  void theyArePrintedAsATable() {
    Talus.forceConvAlgorithms("input=gemm");
    ConvRules rules = Talus.convRules(DType.FLOAT64);
    String text = rules.toString();
    assertThat(text)
        .startsWith("How convolutions of float64 are computed with " + Talus.isa() + ":\n")
        .contains("\nPass     Algorithm   Condition\nforward  depthwise   depthwise\n")
        .contains("\nweight   depthwise   depthwise\n", "\n         gemm        always\n")
        .contains("\nOverridden: input takes gemm wherever it can.\n")
        .contains("\n         depthwise   one input channel a group, 3x3 or 5x5")
        .contains("\n         grouped     groups, and larger");
    assertThat(text.lines())
        .allMatch(line -> line.length() <= 100)
        .noneMatch(line -> line.matches(".*[<>=%*]| *([<>=!%*].*|[0-9]+)"));
    // Wrapped lines have the words in order.
    String flat = text.replaceAll("\\s+", " ");
    int at = 0;
    for (Rule rule : rules.rules()) {
      at = flat.indexOf(" " + rule.algorithm() + " " + rule.condition() + " ", at);
      assertThat(at).as(rule.toString()).isPositive();
    }
  }

  @Test
  void onlyFloatingTypesHaveRules() {
    assertThatThrownBy(() -> Talus.convRules(DType.INT64))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("expected float32 or float64");
  }

  @Test
  void unknownNamesAreListed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Talus.forceConvAlgorithms("fft"))
        .withMessageContaining("'fft', expected one of auto, direct, gemm");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Talus.forceConvAlgorithms("backward=gemm"))
        .withMessageContaining("'backward'");
  }
}
