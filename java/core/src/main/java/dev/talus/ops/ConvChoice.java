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
  private static final List<String> PASSES = List.of("forward", "input", "weight");

  static {
    force(System.getProperty("talus.conv", "auto"));
  }

  private ConvChoice() {}

  /** Returns when the system property has been read. */
  static void readProperty() {}

  /**
   * Sets the algorithms of all convolutions from now on.
   *
   * @param choice as the system property; passes that it does not name stay as they are
   * @throws IllegalArgumentException if it names no pass or no algorithm
   */
  public static void force(String choice) {
    for (String part : choice.split(",")) {
      int equals = part.indexOf('=');
      String algorithm = part.substring(equals + 1).strip();
      if (equals < 0) {
        for (int pass = 0; pass < PASSES.size(); pass++) {
          NativeNn.forceConv2d(pass, algorithm);
        }
      } else {
        NativeNn.forceConv2d(pass(part.substring(0, equals).strip()), algorithm);
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
