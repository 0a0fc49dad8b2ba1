package dev.talus.tests.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.nn.Linear;
import dev.talus.nn.Module;
import dev.talus.nn.Parameter;
import dev.talus.nn.ReLU;
import dev.talus.nn.Sequential;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Registering, walking, converting and loading modules. */
class ModuleTest {
  /** A module with a parameter, a buffer and children of its own. */
  private static final class Scaled extends Module {
    private final Parameter factor = register("factor", new Parameter(kept(Tensor.ones(1))));
    private final Tensor count = registerBuffer("count", Tensor.zeros(DType.INT64, 1));
    private final Sequential layers =
        register("layers", new Sequential(new Linear(3, 2), new ReLU(), new Linear(2, 1)));

    private static Tensor kept(Tensor tensor) {
      return tensor;
    }

    @Override
    public Tensor forward(Tensor x) {
      return layers.forward(x).mul(factor);
    }

    <M extends Module> M tryRegister(String name, M child) {
      return register(name, child);
    }

    Parameter tryRegister(String name, Parameter parameter) {
      return register(name, parameter);
    }
  }

  private Scope scope;
  private Scaled net;

  @BeforeEach
  void open() {
    scope = Scope.open();
    Talus.manualSeed(0);
    net = new Scaled();
  }

  @AfterEach
  void close() {
    net.close();
    net.close();
    scope.close();
  }

  @Test
  void namesInOrder() {
    assertThat(net.namedParameters().keySet())
        .containsExactly(
            "factor", "layers.0.weight", "layers.0.bias", "layers.2.weight", "layers.2.bias");
    assertThat(net.parameters()).containsExactlyElementsOf(net.namedParameters().values());
    assertThat(net.namedBuffers().keySet()).containsExactly("count");
    assertThat(net.namedChildren().keySet()).containsExactly("layers");
    assertThat(net.modules()).hasSize(5).startsWith(net);
    assertThat(net.stateDict().keySet())
        .containsExactly(
            "factor",
            "count",
            "layers.0.weight",
            "layers.0.bias",
            "layers.2.weight",
            "layers.2.bias");
  }

  @Test
  void applyVisitsChildrenFirst() {
    List<String> seen = new ArrayList<>();
    assertThat(net.apply(m -> seen.add(m.getClass().getSimpleName()))).isSameAs(net);
    assertThat(seen).containsExactly("Linear", "ReLU", "Linear", "Sequential", "Scaled");
  }

  @Test
  void trainAndEvalReachAll() {
    assertThat(net.isTraining()).isTrue();
    net.eval();
    assertThat(net.modules()).noneMatch(Module::isTraining);
    net.train();
    assertThat(net.modules()).allMatch(Module::isTraining);
  }

  @Test
  void zeroGradDropsGradients() {
    net.forward(Tensor.ones(2, 3)).sum().backward();
    assertThat(net.parameters()).allMatch(p -> p.grad() != null);
    net.zeroGrad();
    assertThat(net.parameters()).allMatch(p -> p.grad() == null);
  }

  @Test
  void frozenParametersGetNoGradient() {
    net.layers.get(0).requiresGrad_(false);
    net.forward(Tensor.ones(2, 3)).sum().backward();
    assertThat(net.namedParameters().get("layers.0.weight").grad()).isNull();
    assertThat(net.namedParameters().get("layers.2.weight").grad()).isNotNull();
  }

  @Test
  void convertsInPlace() {
    Parameter weight = net.namedParameters().get("layers.0.weight");
    float before = weight.toFloatArray()[0];
    net.to(DType.FLOAT64);
    assertThat(net.namedParameters().get("layers.0.weight")).isSameAs(weight);
    assertThat(weight.dtype()).isEqualTo(DType.FLOAT64);
    assertThat(weight.toDoubleArray()[0]).isEqualTo(before);
    assertThat(net.buffers().get(0).dtype()).as("integers stay").isEqualTo(DType.INT64);
    Tensor out = net.forward(Tensor.ones(DType.FLOAT64, 2, 3));
    assertThat(out.dtype()).isEqualTo(DType.FLOAT64);
    out.sum().backward();
    assertThat(weight.grad().dtype()).isEqualTo(DType.FLOAT64);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> net.to(DType.INT64))
        .withMessageContaining("floating point dtypes");
  }

  @Test
  void registerRefusesBadNames() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> net.tryRegister("layers", new ReLU()))
        .withMessageContaining("'layers' already exists");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> net.tryRegister("a.b", new ReLU()))
        .withMessageContaining("can't contain \".\", got: a.b");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> net.tryRegister("", new ReLU()))
        .withMessageContaining("empty string");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> net.tryRegister("nothing", (Parameter) null))
        .withMessageContaining("nothing is null");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> net.tryRegister("self", net))
        .withMessageContaining("itself");
  }

  @Test
  void stateCanBeLoadedIntoAnother() {
    try (Scaled other = new Scaled()) {
      assertThat(first(other)).isNotEqualTo(first(net));
      other.loadStateDict(net.stateDict());
      assertThat(first(other)).isEqualTo(first(net));
      assertThat(other.parameters().get(0).isLeaf()).isTrue();
    }
  }

  private static float first(Module module) {
    return module.namedParameters().get("layers.0.weight").toFloatArray()[0];
  }

  @Test
  void stateIsAViewOfTheModule() {
    net.stateDict().get("factor").fill_(7);
    assertThat(net.factor.item()).isEqualTo(7);
    assertThat(net.stateDict().get("factor").requiresGrad()).isFalse();
  }

  @Test
  void strictLoadingListsEverythingAndCopiesNothing() {
    Map<String, Tensor> state = new LinkedHashMap<>(net.stateDict());
    state.put("factor", Tensor.full(9, 1));
    state.remove("layers.2.bias");
    state.put("extra", Tensor.ones(1));
    state.put("layers.0.weight", Tensor.ones(3, 2));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> net.loadStateDict(state))
        .withMessageContaining("Error(s) in loading state_dict for Scaled:")
        .withMessageContaining("Missing key(s) in state_dict: \"layers.2.bias\".")
        .withMessageContaining("Unexpected key(s) in state_dict: \"extra\".")
        .withMessageContaining("size mismatch for layers.0.weight")
        .withMessageContaining("torch.Size([3, 2])")
        .withMessageContaining("torch.Size([2, 3])");
    assertThat(net.factor.item()).isEqualTo(1);
  }

  @Test
  void laxLoadingReportsWhatDiffers() {
    Module.KeyDifference keys =
        net.loadStateDict(Map.of("factor", Tensor.full(9, 1), "extra", Tensor.ones(1)), false);
    assertThat(keys.unexpected()).containsExactly("extra");
    assertThat(keys.missing()).hasSize(5).doesNotContain("factor");
    assertThat(net.factor.item()).isEqualTo(9);
    assertThatIllegalArgumentException()
        .as("shapes must fit even so")
        .isThrownBy(() -> net.loadStateDict(Map.of("factor", Tensor.ones(2)), false));
  }

  @Test
  void sharedParametersAreListedOnce() {
    Linear shared = new Linear(2, 2);
    try (Sequential twice = new Sequential(shared, shared)) {
      assertThat(twice.parameters()).hasSize(2);
      assertThat(twice.stateDict()).hasSize(4);
      twice.forward(Tensor.ones(1, 2)).sum().backward();
      assertThat(shared.weight().grad()).isNotNull();
    }
  }

  @Test
  void parametersBelongToTheModuleNotTheScope() {
    try (Scope inner = Scope.open()) {
      net.forward(Tensor.ones(1, 3)).sum().backward();
    }
    assertThat(net.factor.isClosed()).isFalse();
    assertThat(net.factor.grad().isClosed()).isFalse();
  }
}
