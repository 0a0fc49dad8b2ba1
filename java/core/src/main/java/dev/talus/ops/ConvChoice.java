package dev.talus.ops;

import static dev.talus.bindings.talus.*;

import dev.talus.ConvAlgorithms;
import dev.talus.ConvRules;
import dev.talus.DType;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.internal.NativeNn;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Which algorithms convolutions use: asked for, and overridden. */
public final class ConvChoice {
  private static final String PROPERTY = "talus.conv";
  private static final List<String> PASSES = List.of("forward", "input", "weight");

  /** Set once the property has been followed; a wrong one is an error every time. */
  private static volatile boolean read;

  private ConvChoice() {}

  /**
   * Follows the system property {@code talus.conv} before a convolution, unless that was done.
   *
   * @throws IllegalArgumentException if it names no pass or no algorithm
   */
  static void readProperty() {
    if (!read) {
      follow(System.getProperty(PROPERTY));
    }
  }

  private static synchronized void follow(String choice) {
    if (read) {
      return;
    }
    if (choice != null) {
      List<String> algorithms = algorithms();
      try {
        apply(choice, algorithms);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "-D"
                + PROPERTY
                + "="
                + choice
                + ": "
                + e.getMessage()
                + "; leave the property out, or write it as -D"
                + PROPERTY
                + "=gemm or, by pass, -D"
                + PROPERTY
                + "=forward=gemm,weight=direct",
            e);
      }
    }
    read = true;
  }

  /**
   * Sets the algorithms of all convolutions from now on, or none where something is wrong.
   *
   * @param choice as the system property; passes that it does not name stay as they are
   * @throws IllegalArgumentException if it names no pass or no algorithm
   */
  public static void force(String choice) {
    // What this names overrides the property, which would otherwise override it later.
    readProperty();
    apply(choice, algorithms());
  }

  /** All that can be asked for, by the native library's names. */
  private static List<String> algorithms() {
    List<String> names = new ArrayList<>();
    names.add("auto");
    for (String line : NativeNn.conv2dRules(DType.FLOAT32.code()).split("\n")) {
      String[] fields = line.split("\t");
      if (fields[0].equals("algorithm")) {
        names.add(fields[1]);
      }
    }
    return names;
  }

  private static void apply(String choice, List<String> algorithms) {
    // By pass; nothing is changed before all of it was read.
    String[] chosen = new String[PASSES.size()];
    for (String part : choice.split(",")) {
      int equals = part.indexOf('=');
      int only = equals < 0 ? -1 : pass(part.substring(0, equals).strip());
      String algorithm = part.substring(equals + 1).strip();
      if (!algorithms.contains(algorithm)) {
        throw new IllegalArgumentException(
            "unknown convolution algorithm '"
                + algorithm
                + "', expected one of "
                + String.join(", ", algorithms));
      }
      for (int pass = 0; pass < PASSES.size(); pass++) {
        if (equals < 0 || pass == only) {
          chosen[pass] = algorithm;
        }
      }
    }
    for (int pass = 0; pass < chosen.length; pass++) {
      if (chosen[pass] != null) {
        NativeNn.forceConv2d(pass, chosen[pass]);
      }
    }
  }

  private static int pass(String name) {
    int pass = PASSES.indexOf(name);
    if (pass < 0) {
      throw new IllegalArgumentException(
          "unknown pass '" + name + "' of a convolution, expected one of " + PASSES);
    }
    return pass;
  }

  /** See {@link dev.talus.Talus#convAlgorithms}. */
  public static ConvAlgorithms of(
      Tensor x, Tensor w, int[] stride, int[] padding, int[] dilation, int groups) {
    readProperty();
    long[] params = Conv2dShape.of(x, w, null, stride, padding, dilation, groups).params();
    int device = x.device().id();
    int type = x.dtype().code();
    return new ConvAlgorithms(
        NativeNn.conv2dAlgorithm(device, type, TALUS_CONV_FORWARD, params),
        NativeNn.conv2dAlgorithm(device, type, TALUS_CONV_BACKWARD_INPUT, params),
        NativeNn.conv2dAlgorithm(device, type, TALUS_CONV_BACKWARD_WEIGHT, params));
  }

  /** See {@link dev.talus.Talus#convRules}. */
  public static ConvRules rules(DType dtype) {
    readProperty();
    List<ConvRules.Rule> rules = new ArrayList<>();
    Map<String, Map<String, String>> others = new LinkedHashMap<>();
    for (String line : NativeNn.conv2dRules(dtype.code()).split("\n")) {
      String[] fields = line.split("\t");
      if (PASSES.contains(fields[0])) {
        rules.add(new ConvRules.Rule(fields[0], fields[1], fields[2]));
      } else {
        others.computeIfAbsent(fields[0], kind -> new LinkedHashMap<>()).put(fields[1], fields[2]);
      }
    }
    return new ConvRules(
        dtype,
        Talus.isa(),
        rules,
        others.get("algorithm"),
        others.get("word"),
        others.getOrDefault("forced", Map.of()));
  }
}
