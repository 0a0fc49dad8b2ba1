package dev.talus.memory;

/**
 * Thrown when tensor memory is used up: the limit is reached, or the system has no more. The
 * message names the request, what is live and what holds it.
 */
public final class OutOfMemoryException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * With a message.
   *
   * @param message what was asked for and what stands in the way
   */
  public OutOfMemoryException(String message) {
    super(message);
  }
}
