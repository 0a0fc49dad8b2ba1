package dev.talus.optim;

import dev.talus.nn.Parameter;
import java.util.List;

/**
 * Adam: steps scaled by running means of the gradient and of its square. Weight decay, 0 by
 * default, is added to the gradient.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html">Adam</a>
 */
public final class Adam extends Adaptive<Adam> {
  /**
   * With PyTorch's learning rate, 0.001.
   *
   * @param parameters what to optimize, at least one
   */
  public Adam(List<Parameter> parameters) {
    this(parameters, 1e-3);
  }

  /**
   * With a learning rate.
   *
   * @param parameters what to optimize, at least one
   * @param lr the learning rate, 0 or more
   * @throws IllegalArgumentException if the list is empty or names one twice, or lr is negative
   */
  public Adam(List<Parameter> parameters, double lr) {
    super(parameters, lr, 0, false);
  }

  @Override
  Adam self() {
    return this;
  }
}
