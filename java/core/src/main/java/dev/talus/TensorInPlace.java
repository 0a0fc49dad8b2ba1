package dev.talus;

import dev.talus.ops.Binary;
import dev.talus.ops.InPlace;
import dev.talus.ops.Unary;

/**
 * The methods that change this tensor, with a trailing underscore as in PyTorch. Autograd records
 * them; on a leaf that requires a gradient they are refused.
 */
abstract class TensorInPlace extends TensorReductions {
  TensorInPlace() {}

  // ------------------------------------------------------------------ in place

  /** Adds a tensor. Recorded by autograd; refused on a leaf that requires a gradient. */
  public final Tensor add_(Tensor other) {
    return InPlace.binary(Binary.ADD, self(), other, 1);
  }

  /** Adds alpha times a tensor. */
  public final Tensor add_(Tensor other, double alpha) {
    return InPlace.binary(Binary.ADD, self(), other, alpha);
  }

  /** Adds a number. */
  public final Tensor add_(double value) {
    return InPlace.unary(Unary.ADD_SCALAR, self(), value, 0);
  }

  /** Subtracts a tensor. */
  public final Tensor sub_(Tensor other) {
    return InPlace.binary(Binary.SUB, self(), other, 1);
  }

  /** Subtracts alpha times a tensor. */
  public final Tensor sub_(Tensor other, double alpha) {
    return InPlace.binary(Binary.SUB, self(), other, alpha);
  }

  /** Subtracts a number. */
  public final Tensor sub_(double value) {
    return InPlace.unary(Unary.ADD_SCALAR, self(), -value, 0);
  }

  /** Multiplies by a tensor. */
  public final Tensor mul_(Tensor other) {
    return InPlace.binary(Binary.MUL, self(), other, 1);
  }

  /** Multiplies by a number. */
  public final Tensor mul_(double value) {
    return InPlace.unary(Unary.MUL_SCALAR, self(), value, 0);
  }

  /** Divides by a tensor. */
  public final Tensor div_(Tensor other) {
    return InPlace.binary(Binary.DIV, self(), other, 1);
  }

  /** Divides by a number. */
  public final Tensor div_(double value) {
    return InPlace.divide(self(), value);
  }

  /** Negates. */
  public final Tensor neg_() {
    return InPlace.unary(Unary.NEG, self(), 0, 0);
  }

  /** Takes e to the power. */
  public final Tensor exp_() {
    return InPlace.unary(Unary.EXP, self(), 0, 0);
  }

  /** Takes the square root. */
  public final Tensor sqrt_() {
    return InPlace.unary(Unary.SQRT, self(), 0, 0);
  }

  /** Sets negative elements to 0. */
  public final Tensor relu_() {
    return InPlace.unary(Unary.RELU, self(), 0, 0);
  }

  /** Bounds the elements. */
  public final Tensor clamp_(double low, double high) {
    return InPlace.unary(Unary.CLAMP, self(), low, high);
  }

  /** Sets all elements to 0. */
  public final Tensor zero_() {
    return fill_(0);
  }

  /** Sets all elements to one value. */
  public final Tensor fill_(double value) {
    return InPlace.fill(self(), value);
  }

  /** Copies another tensor's values, converted and broadcast; gradients flow to the source. */
  public final Tensor copy_(Tensor source) {
    return InPlace.copy(self(), source);
  }

  /** Fills with uniform numbers in [from, to). */
  public final Tensor uniform_(double from, double to) {
    return uniform_(from, to, Generator.defaultGenerator());
  }

  /** Fills with uniform numbers in [from, to) from a generator of one's own. */
  public final Tensor uniform_(double from, double to, Generator generator) {
    return InPlace.random(self(), out -> TensorCreation.uniform(out, from, to, generator));
  }

  /** Fills with normal numbers. */
  public final Tensor normal_(double mean, double std) {
    return normal_(mean, std, Generator.defaultGenerator());
  }

  /** Fills with normal numbers from a generator of one's own. */
  public final Tensor normal_(double mean, double std, Generator generator) {
    return InPlace.random(self(), out -> TensorCreation.normal(out, mean, std, generator));
  }

  /** Sets each element to 1 with probability p, else to 0. */
  public final Tensor bernoulli_(double p) {
    return InPlace.random(self(), out -> Generator.defaultGenerator().bernoulli(out, p));
  }
}
