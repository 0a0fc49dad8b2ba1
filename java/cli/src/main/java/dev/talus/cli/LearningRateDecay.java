package dev.talus.cli;

/** How the learning rate falls from its first value to 0 over a training. */
enum LearningRateDecay {
  /** It does not. */
  NONE {
    @Override
    double factor(double done) {
      return 1;
    }
  },
  /** By the same amount each step. */
  LINEAR {
    @Override
    double factor(double done) {
      return 1 - done;
    }
  },
  /**
   * Along half a cosine: slowly at both ends, as in <a
   * href="https://arxiv.org/abs/1608.03983">SGDR</a>.
   */
  COSINE {
    @Override
    double factor(double done) {
      return (1 + Math.cos(Math.PI * done)) / 2;
    }
  };

  /**
   * What to multiply the first learning rate by.
   *
   * @param done the part of all steps already done, in [0, 1)
   */
  abstract double factor(double done);
}
