package dev.talus.internal;

import static dev.talus.bindings.talus.TALUS_CUBLAS_ENTRIES;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/**
 * Finds cuBLAS for the native library, which takes its functions as addresses: so that nobody needs
 * cuBLAS who does not ask for it.
 */
public final class Cublas {
  /** In the order of {@code enum talus_cublas_entry}. */
  private static final List<String> FUNCTIONS =
      List.of(
          "cublasCreate_v2",
          "cublasSetStream_v2",
          "cublasSetWorkspace_v2",
          "cublasGetStatusString",
          "cublasGemmStridedBatchedEx_64");

  /** CUDA versions whose cuBLAS has functions with 64-bit sizes, newest first. */
  private static final List<String> VERSIONS = List.of("13", "12");

  /** Where the JavaCPP Presets for CUDA keep the libraries that they bring along. */
  private static final String RESOURCES = "/org/bytedeco/cuda/" + Loader.getPlatform() + "/";

  private Cublas() {}

  /**
   * Loads cuBLAS, for ever.
   *
   * @param file where it is; null: in a jar of the JavaCPP Presets for CUDA on the class path, else
   *     where the system looks for libraries
   * @return the addresses of its functions
   * @throws UnsupportedOperationException if there is none, or one that is too old
   */
  public static long[] load(String file) {
    String where = file == null ? loadFromJarOrSystem() : loadFile(file);
    long[] entries = new long[TALUS_CUBLAS_ENTRIES];
    for (int i = 0; i < entries.length; i++) {
      Pointer function = Loader.addressof(FUNCTIONS.get(i));
      if (function == null || function.isNull()) {
        throw new UnsupportedOperationException(
            where
                + " has no "
                + FUNCTIONS.get(i)
                + "; it must be the cuBLAS of CUDA 12 or later. Or choose -Dtalus.gemm=native");
      }
      entries[i] = function.address();
    }
    return entries;
  }

  private static String loadFile(String file) {
    try {
      Loader.loadGlobal(file);
      return file;
    } catch (UnsatisfiedLinkError e) {
      throw new UnsupportedOperationException(
          "cuBLAS cannot be loaded from -Dtalus.cublas="
              + file
              + ": "
              + e.getMessage()
              + "; name the file of libcublas of CUDA 12 or later, or choose -Dtalus.gemm=native",
          e);
    }
  }

  private static String loadFromJarOrSystem() {
    List<String> tried = new ArrayList<>();
    for (String version : VERSIONS) {
      String library = loadFromJar(version, tried);
      if (library != null) {
        return library;
      }
    }
    for (String version : VERSIONS) {
      String library = fileName("cublas", version);
      try {
        Loader.loadGlobal(library);
        return library;
      } catch (UnsatisfiedLinkError e) {
        tried.add("the system: " + e.getMessage());
      }
    }
    throw new UnsupportedOperationException(
        "cuBLAS is not there. Tried "
            + String.join("; ", tried)
            + ". Add the jar of the JavaCPP Presets for CUDA that has "
            + fileName("cublas", VERSIONS.get(0))
            + " to the class path (org.bytedeco:cuda-platform-redist-cublas, or"
            + " org.bytedeco:cuda-platform-redist of older ones), or install the libcublas of CUDA"
            + " 12 or later, or name its file with -Dtalus.cublas=FILE, or choose"
            + " -Dtalus.gemm=native");
  }

  /** Unpacks it, with the library that it needs itself beside it; null if there is no such jar. */
  private static String loadFromJar(String version, List<String> tried) {
    String resource = RESOURCES + fileName("cublas", version);
    try {
      File library = Loader.cacheResource(Cublas.class, resource);
      if (library == null) {
        tried.add("the class path: no " + resource);
        return null;
      }
      File needed = Loader.cacheResource(Cublas.class, RESOURCES + fileName("cublasLt", version));
      if (needed != null) {
        Loader.loadGlobal(needed.getPath());
      }
      Loader.loadGlobal(library.getPath());
      return library.getPath();
    } catch (IOException | UnsatisfiedLinkError e) {
      tried.add("the class path: " + resource + " does not load: " + e.getMessage());
      return null;
    }
  }

  private static String fileName(String library, String version) {
    return System.getProperty("os.name").startsWith("Windows")
        ? library + "64_" + version + ".dll"
        : "lib" + library + ".so." + version;
  }
}
