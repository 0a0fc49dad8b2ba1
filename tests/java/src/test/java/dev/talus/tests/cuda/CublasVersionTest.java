package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.talus.internal.Cublas;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * A cuBLAS that is too old. It needs no device, and no library that has cuBLAS's functions, as the
 * one with emulated devices has.
 */
class CublasVersionTest {
  @Test
  void aLibraryWithoutItsFunctionsIsRefused() {
    Path other = Path.of(System.getProperty("java.home"), "lib", System.mapLibraryName("zip"));
    assumeTrue(Files.exists(other), "this JVM has its libraries elsewhere");
    assertThatThrownBy(() -> Cublas.load(other.toString()))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessage(
            other
                + " has no cublasCreate_v2; it must be the cuBLAS of CUDA 12 or later. Or choose"
                + " -Dtalus.gemm=native");
  }
}
