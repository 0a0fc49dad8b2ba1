package dev.talus.ops;

import static dev.talus.bindings.talus.*;

import dev.talus.Tensor;
import dev.talus.autograd.Node;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/**
 * The activation that a product of matrices or a convolution computes in its own pass. Values and
 * history are those of the two operations in turn.
 */
public enum Epilogue {
  /** None: what is returned are the sums. */
  NONE(TALUS_EPILOGUE_NONE, x -> x, (product, out) -> out),

  /** max(x, 0). */
  RELU(TALUS_EPILOGUE_RELU, Tensor::relu, Unary::recordRelu),

  /** min(max(x, 0), 6). */
  RELU6(TALUS_EPILOGUE_RELU6, Activation::relu6, Activation::recordRelu6);

  private final int code;
  private final UnaryOperator<Tensor> alone;
  private final BiFunction<Node, Tensor, Tensor> history;

  Epilogue(int code, UnaryOperator<Tensor> alone, BiFunction<Node, Tensor, Tensor> history) {
    this.code = code;
    this.alone = alone;
    this.history = history;
  }

  /** The native kernels' number. */
  int code() {
    return code;
  }

  /**
   * The activation as an operation of its own.
   *
   * @param x a floating type
   * @return the activation of each element; x itself if there is none
   */
  public Tensor apply(Tensor x) {
    return alone.apply(x);
  }

  /** Adds the activation to an output's history, behind a product of which no tensor was made. */
  Tensor recordAfter(Node product, Tensor out) {
    return history.apply(product, out);
  }
}
