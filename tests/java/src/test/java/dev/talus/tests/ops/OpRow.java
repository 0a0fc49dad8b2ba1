package dev.talus.tests.ops;

import dev.talus.DType;
import dev.talus.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;

/**
 * One op or layer, and everything the tests need to know about it. A new op gets a row here and is
 * then tested for its gradients, layouts, types, errors, leaks and threads.
 */
public final class OpRow {
  /** How far the gradient of an op is tested. */
  public enum Gradient {
    /** Nothing flows back. */
    NONE,
    /** First derivatives. */
    FIRST,
    /** First and second derivatives. */
    SECOND
  }

  /**
   * A call that must be refused.
   *
   * @param op the call
   * @param args its inputs
   * @param type the exception
   * @param message what its message contains
   */
  public record Failure(
      Function<Tensor[], Tensor> op, Arg[] args, Class<? extends Exception> type, String message) {}

  private final String name;
  private final Function<Tensor[], Tensor> op;
  private final List<Arg[]> samples = new ArrayList<>();
  private final List<Failure> failures = new ArrayList<>();
  private String torch = "";
  private Gradient gradient = Gradient.SECOND;
  private Function<Nd[], Nd> reference;
  private Arg[] large;
  private boolean anyLayout = true;
  private double tolerance = 1e-5;

  private OpRow(String name, Function<Tensor[], Tensor> op) {
    this.name = name;
    this.op = op;
  }

  /** A row; differentiable twice unless it says otherwise. */
  public static OpRow op(String name, Function<Tensor[], Tensor> op) {
    return new OpRow(name, op);
  }

  /** One more set of inputs to test with. */
  public OpRow with(Arg... args) {
    samples.add(args);
    return this;
  }

  /** The libtorch function this must agree with; see tests/parity. */
  public OpRow torch(String function) {
    torch = function;
    return this;
  }

  /** No gradient flows back. */
  public OpRow constant() {
    gradient = Gradient.NONE;
    return this;
  }

  /** Has first derivatives only. */
  public OpRow once() {
    gradient = Gradient.FIRST;
    return this;
  }

  /** Refuses some layouts, as view does. */
  public OpRow contiguousOnly() {
    anyLayout = false;
    return this;
  }

  /** Inputs large enough to be split over threads. */
  public OpRow large(Arg... args) {
    large = args;
    return this;
  }

  /** How far float32 may be from float64, relative to the largest value. */
  public OpRow tolerance(double relative) {
    tolerance = relative;
    return this;
  }

  /** What the op must compute, as plain Java. */
  public OpRow is(Function<Nd[], Nd> plainJava) {
    reference = plainJava;
    return this;
  }

  /** What the op must compute from each element. */
  public OpRow each(DoubleUnaryOperator f) {
    return is(in -> in[0].map(f));
  }

  /** What the op must compute from each pair of elements. */
  public OpRow pairs(DoubleBinaryOperator f) {
    return is(in -> in[0].zip(in[1], f));
  }

  /** This op on these inputs must be refused. */
  public OpRow fails(Class<? extends Exception> type, String message, Arg... args) {
    return fails(type, message, op, args);
  }

  /** A variant of this op must be refused. */
  public OpRow fails(
      Class<? extends Exception> type,
      String message,
      Function<Tensor[], Tensor> variant,
      Arg... args) {
    failures.add(new Failure(variant, args, type, message));
    return this;
  }

  /** The op's name, with its options. */
  public String name() {
    return name;
  }

  /** The libtorch function, or the empty string. */
  public String torch() {
    return torch;
  }

  /** Applies the op. */
  public Tensor apply(Tensor... inputs) {
    return op.apply(inputs);
  }

  /** The op itself. */
  public Function<Tensor[], Tensor> function() {
    return op;
  }

  /** The inputs to test with. */
  public List<Arg[]> samples() {
    return samples;
  }

  /** The calls that must be refused. */
  public List<Failure> failures() {
    return failures;
  }

  /** How far gradients go. */
  public Gradient gradient() {
    return gradient;
  }

  /** The plain Java version, or null. */
  public Function<Nd[], Nd> reference() {
    return reference;
  }

  /** Inputs that are split over threads: large ones, or else the last sample. */
  public Arg[] large() {
    return large != null ? large : samples.get(samples.size() - 1);
  }

  /** Whether inputs may lie in memory in any way. */
  public boolean anyLayout() {
    return anyLayout;
  }

  /** How far float32 may be from float64, relative to the largest value. */
  public double tolerance() {
    return tolerance;
  }

  /** One sample of one row, printed as the name of a test. */
  public record Sample(OpRow row, Arg[] args) {
    /** The inputs in a type; floating ones ask for a gradient if the op has one. */
    public Tensor[] make(DType type, boolean wantGrad) {
      Tensor[] inputs = new Tensor[args.length];
      for (int i = 0; i < args.length; i++) {
        inputs[i] = args[i].make(type, i);
        if (wantGrad && args[i].isDifferentiable() && row.gradient != Gradient.NONE) {
          inputs[i].requiresGrad_(true);
        }
      }
      return inputs;
    }

    @Override
    public String toString() {
      return row.name + Arrays.toString(args);
    }
  }
}
