package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Generator;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.io.Safetensors;
import dev.talus.memory.Allocator;
import dev.talus.memory.MemoryStats;
import dev.talus.memory.OutOfMemoryException;
import dev.talus.nn.Dropout;
import dev.talus.nn.Linear;
import dev.talus.nn.Parameter;
import dev.talus.optim.Adam;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What surrounds the operations on a GPU: devices, memory, moving, printing, random numbers. */
@CudaTest
class CudaDeviceTest {
  private static final Device GPU = Device.cuda();

  // ------------------------------------------------------------------ devices

  @Test
  void devicesHaveNames() {
    assertThat(Device.isCudaAvailable()).isTrue();
    assertThat(Device.whyNoCuda()).isNull();
    assertThat(GPU).hasToString("cuda:0").isSameAs(Device.cuda(0)).isSameAs(Device.of("cuda"));
    assertThat(Device.of("cuda:0")).isSameAs(GPU);
    assertThat(GPU.isCuda()).isTrue();
    assertThat(GPU.index()).isZero();
    assertThat(GPU.hardwareName()).isNotBlank();
    GPU.synchronize();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Device.cuda(Device.cudaCount()))
        .withMessageContaining("does not exist; this machine has " + Device.cudaCount());
    assertThatIllegalArgumentException().isThrownBy(() -> Device.cuda(-1));
  }

  // ------------------------------------------------------------------- memory

  @Test
  void memoryIsCountedForEachDevice() {
    MemoryStats gpu = Talus.memory(GPU);
    MemoryStats cpu = Talus.memory();
    try (Scope scope = Scope.open()) {
      Tensor.zeros(DType.FLOAT32, GPU, 1000);
      assertThat(Talus.memory(GPU).liveBlocks()).isEqualTo(gpu.liveBlocks() + 1);
      assertThat(Talus.memory(GPU).liveBytes()).isGreaterThanOrEqualTo(gpu.liveBytes() + 4000);
      assertThat(Talus.memory().liveBlocks()).isEqualTo(cpu.liveBlocks());
    }
    assertThat(Talus.memory(GPU).liveBlocks()).isEqualTo(gpu.liveBlocks());
    assertThat(Talus.memory(Device.CPU).liveBlocks()).isEqualTo(cpu.liveBlocks());
  }

  @Test
  void aLimitIsKept() {
    Allocator allocator = Allocator.of(GPU);
    long before = allocator.stats().limitBytes();
    allocator.trim();
    allocator.setLimit(allocator.stats().liveBytes() + (1 << 20));
    try (Scope scope = Scope.open()) {
      assertThatThrownBy(() -> Tensor.zeros(DType.FLOAT32, GPU, 1 << 20))
          .isInstanceOf(OutOfMemoryException.class)
          .hasMessageContaining("-Dtalus.cuda.memory.limit=");
      Tensor.zeros(1 << 20); // the CPU's is another
    } finally {
      allocator.setLimit(before);
    }
  }

  // ------------------------------------------------------------------- moving

  @Test
  void valuesMoveThereAndBack() {
    try (Scope scope = Scope.open()) {
      for (DType type : DType.values()) {
        Tensor there = Tensor.arange(12).to(type).reshape(3, 4);
        Tensor x = there.to(GPU);
        assertThat(x.device()).isSameAs(GPU);
        assertThat(x.dtype()).isEqualTo(type);
        assertThat(x.to(GPU)).isSameAs(x);
        assertThat(x.cpu().device()).isSameAs(Device.CPU);
        assertThat(x.cpu().toDoubleArray()).isEqualTo(there.toDoubleArray());
        assertThat(x.toDoubleArray()).isEqualTo(there.toDoubleArray());
      }
    }
  }

  @Test
  void viewsAndOtherTypesMove() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.arange(12).reshape(3, 4);
      double[] expected = x.t().toDoubleArray();
      assertThat(x.t().cuda().toDoubleArray()).isEqualTo(expected);
      assertThat(x.cuda().t().cpu().toDoubleArray()).isEqualTo(expected);
      assertThat(x.cuda().t().to(Device.CPU, DType.FLOAT64).toDoubleArray()).isEqualTo(expected);
      Tensor target = Tensor.zeros(DType.FLOAT32, GPU, 3, 4);
      target.t().copy_(x.t());
      assertThat(target.toDoubleArray()).isEqualTo(x.toDoubleArray());
      Tensor row = Tensor.zeros(DType.INT64, 3, 4);
      row.select(0, 1).copy_(x.cuda().select(0, 2));
      assertThat(row.select(0, 1).toLongArray()).containsExactly(8, 9, 10, 11);
    }
  }

  @Test
  void devicesSeeEachOther() {
    assumeTrue(Device.cudaCount() > 1, "one GPU");
    try (Scope scope = Scope.open()) {
      Device other = Device.cuda(1);
      Tensor large = Tensor.arange(300_001).to(GPU).to(other);
      assertThat(large.device()).isSameAs(other);
      assertThat(large.toLongArray()).isEqualTo(Tensor.arange(300_001).toLongArray());
      assertThatIllegalArgumentException()
          .isThrownBy(() -> large.add(large.to(GPU)))
          .withMessageEndingWith("cuda:1 and cuda:0!");
      Tensor x = Tensor.ones(DType.FLOAT32, GPU, 3, 2).requiresGrad_(true);
      x.t().to(other).mul(3).sum().backward();
      assertThat(x.grad().device()).isSameAs(GPU);
      assertThat(x.grad().toFloatArray()).containsOnly(3);
    }
  }

  @Test
  void gradientsFlowBackToTheDeviceTheyCameFrom() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.ones(3).requiresGrad_(true);
      Tensor number = Tensor.scalar(2).requiresGrad_(true);
      Tensor y = x.to(GPU).mul(number).to(Device.CPU, DType.FLOAT64);
      assertThat(y.gradFn().name()).isEqualTo("ToCopyBackward");
      y.sum().backward();
      assertThat(x.grad().device()).isSameAs(Device.CPU);
      assertThat(x.grad().toFloatArray()).containsExactly(2, 2, 2);
      assertThat(number.grad().device()).isSameAs(Device.CPU);
      assertThat(number.grad().item()).isEqualTo(3);
      Tensor source = Tensor.ones(3).requiresGrad_(true);
      Tensor target = Tensor.zeros(DType.FLOAT32, GPU, 3).mul(1.0);
      target.copy_(source).mul(3.0).sum().backward();
      assertThat(source.grad().device()).isSameAs(Device.CPU);
      assertThat(source.grad().toFloatArray()).containsExactly(3, 3, 3);
      Tensor z = Tensor.ones(DType.FLOAT32, GPU, 2).requiresGrad_(true).mul(1.0);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> z.backward(Tensor.ones(2)))
          .withMessageContaining("cuda:0 and cpu!");
    }
  }

  @Test
  void numbersGoAnywhere() {
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      Tensor x = Tensor.ones(DType.FLOAT32, GPU, 2);
      Tensor three = Tensor.scalar(3);
      assertThat(x.add(three).toFloatArray()).containsExactly(4, 4);
      assertThat(three.sub(x).toFloatArray()).containsExactly(2, 2);
      assertThat(x.lt(three).device()).isSameAs(GPU);
      assertThat(x.mul_(three).toFloatArray()).containsExactly(3, 3);
      assertThatIllegalArgumentException().isThrownBy(() -> Tensor.ones(2).add_(x.sum()));
    }
  }

  // ---------------------------------------------------- creation and printing

  @Test
  void factoriesTakeADevice() {
    try (Scope scope = Scope.open()) {
      assertThat(Tensor.zeros(DType.INT32, GPU, 2).toLongArray()).containsExactly(0, 0);
      assertThat(Tensor.ones(DType.BOOL, GPU, 2).toLongArray()).containsExactly(1, 1);
      assertThat(Tensor.full(DType.FLOAT64, GPU, 2.5, 2).toDoubleArray()).containsExactly(2.5, 2.5);
      assertThat(Tensor.arange(1, 7, 2, GPU).toLongArray()).containsExactly(1, 3, 5);
      assertThat(Tensor.eye(2, 3, GPU).toFloatArray()).containsExactly(1, 0, 0, 0, 1, 0);
      assertThat(Tensor.scalar(7, DType.INT64, GPU).itemLong()).isEqualTo(7);
      assertThat(Tensor.onesLike(Tensor.empty(DType.FLOAT32, GPU, 2)).device()).isSameAs(GPU);
      assertThat(Tensor.randn(DType.FLOAT32, GPU, 3).device()).isSameAs(GPU);
    }
  }

  @Test
  void thePrintedTextNamesTheDevice() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.of(new float[] {1, 2}).to(GPU);
      assertThat(x).hasToString("tensor([1., 2.], device='cuda:0')");
      assertThat(x.to(DType.INT32))
          .hasToString("tensor([1, 2], device='cuda:0', dtype=torch.int32)");
      assertThat(x.requiresGrad_(true))
          .hasToString("tensor([1., 2.], device='cuda:0', requires_grad=True)");
      assertThat(Tensor.zeros(DType.FLOAT32, GPU, 100, 100).toString())
          .startsWith("tensor([[0., 0., 0.,  ..., 0., 0., 0.],")
          .endsWith("device='cuda:0')");
    }
  }

  // ------------------------------------------------------------ random numbers

  @Test
  void randomNumbersRepeatWithTheSeed() {
    try (Scope scope = Scope.open()) {
      Talus.manualSeed(5);
      float[] first = Tensor.randn(DType.FLOAT32, GPU, 100).toFloatArray();
      float[] second = Tensor.randn(DType.FLOAT32, GPU, 100).toFloatArray();
      float cpu = (float) Tensor.rand(1).item();
      assertThat(second).isNotEqualTo(first);
      Talus.manualSeed(5);
      assertThat(Tensor.randn(DType.FLOAT32, GPU, 100).toFloatArray()).isEqualTo(first);
      // Each kind of device has a sequence of its own.
      assertThat((float) Tensor.rand(1).item()).isEqualTo(cpu);
      Generator copy = Generator.defaultGenerator().copy();
      Tensor x = Tensor.empty(DType.FLOAT32, GPU, 50);
      float[] next = x.uniform_(-1, 1).toFloatArray();
      assertThat(x.uniform_(-1, 1, copy).toFloatArray()).isEqualTo(next);
      for (float value : next) {
        assertThat(value).isBetween(-1f, 1f);
      }
    }
  }

  @Test
  void dropoutDrawsOnTheDevice() {
    try (Scope scope = Scope.open();
        Dropout dropout = new Dropout(0.5)) {
      Tensor x = Tensor.ones(DType.FLOAT32, GPU, 1000).requiresGrad_(true);
      Tensor y = dropout.forward(x);
      assertThat(y.device()).isSameAs(GPU);
      assertThat(y.sum().item()).isBetween(800.0, 1200.0);
      y.sum().backward();
      assertThat(x.grad().toFloatArray()).isEqualTo(y.toFloatArray());
    }
  }

  // ------------------------------------------------- modules, optimizers, data

  @Test
  void modulesMove(@TempDir Path folder) throws IOException {
    try (Scope scope = Scope.open();
        Linear net = new Linear(3, 2);
        Adam adam = new Adam(net.parameters(), 0.1)) {
      Parameter weight = net.parameters().get(0);
      step(net, adam, Tensor.ones(1, 3));
      float[] before = weight.toFloatArray();
      net.to(GPU);
      assertThat(net.parameters()).allMatch(p -> p.device() == GPU && p.grad().device() == GPU);
      assertThat(net.parameters().get(0)).isSameAs(weight);
      assertThat(weight.toFloatArray()).isEqualTo(before);
      assertThat(weight.toString())
          .startsWith("Parameter containing:\ntensor([[")
          .contains("device='cuda:0', requires_grad=True");
      // The optimizer's state follows.
      step(net, adam, Tensor.ones(1, 3).to(GPU));
      float[] after = weight.toFloatArray();
      assertThat(after).isNotEqualTo(before);
      Path file = folder.resolve("net.safetensors");
      Safetensors.write(file, net.stateDict());
      net.to(Device.CPU);
      assertThat(weight.toFloatArray()).isEqualTo(after);
      net.to(GPU);
      Map<String, Tensor> loaded = Safetensors.read(file);
      assertThat(loaded.get("weight").device()).isSameAs(Device.CPU);
      net.loadStateDict(loaded);
      assertThat(weight.device()).isSameAs(GPU);
      assertThat(weight.toFloatArray()).isEqualTo(after);
    }
  }

  private static void step(Linear net, Adam adam, Tensor x) {
    try (Scope scope = Scope.open()) {
      adam.zeroGrad();
      net.forward(x).square().sum().backward();
      adam.step();
    }
  }
}
