package dev.talus.optim;

import dev.talus.nn.Parameter;
import java.util.List;

/**
 * {@link Adam} with weight decay, 0.01 by default, taken off the parameters directly.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html">AdamW</a>
 */
public final class AdamW extends Adaptive<AdamW> {
  /**
   * With PyTorch's learning rate, 0.001.
   *
   * @param parameters what to optimize, at least one
   */
  public AdamW(List<Parameter> parameters) {
    this(parameters, 1e-3);
  }

  /**
   * With a learning rate.
   *
   * @param parameters what to optimize, at least one
   * @param lr the learning rate, 0 or more
   * @throws IllegalArgumentException if the list is empty or names one twice, or lr is negative
   */
  public AdamW(List<Parameter> parameters, double lr) {
    super(parameters, lr, 1e-2, true);
  }

  @Override
  AdamW self() {
    return this;
  }
}
