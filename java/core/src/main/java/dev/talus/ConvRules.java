package dev.talus;

import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The rule by which convolutions choose their algorithm, as a table; see {@link Talus#convRules}.
 * Of a pass's rules the first one whose condition holds, and whose algorithm can compute the shape,
 * decides. The conditions are the ones that the native library evaluates, with the numbers of the
 * processor's registers.
 *
 * <p>Printing it shows the whole table with the meaning of its words.
 *
 * @param dtype the type of the convolutions
 * @param isa the instruction set whose registers the numbers are for
 * @param rules all of them, in the order they are tried: forward, input, weight
 * @param algorithms what each algorithm can compute
 * @param words the words that conditions use, with their meanings
 * @param forced passes that {@link Talus#forceConvAlgorithms} or the system property {@code
 *     talus.conv} gave an algorithm; only what that cannot compute is left to the rules
 */
public record ConvRules(
    DType dtype,
    String isa,
    List<Rule> rules,
    Map<String, String> algorithms,
    Map<String, String> words,
    Map<String, String> forced) {
  private static final int WIDTH = 100;
  private static final int CONDITION = 21;

  /** A space, but not one inside of a comparison or behind a not. */
  private static final String BREAK = "(?<![<>=%*]|not) (?![<>=!%*])";

  /** Copies what it is given. */
  public ConvRules {
    rules = List.copyOf(rules);
    algorithms = Collections.unmodifiableMap(algorithms);
    words = Collections.unmodifiableMap(words);
    forced = Collections.unmodifiableMap(forced);
  }

  /**
   * One rule.
   *
   * @param pass {@code forward}, {@code input} (the gradient of the images) or {@code weight} (that
   *     of the kernels)
   * @param algorithm what the pass takes, see {@link ConvAlgorithms}
   * @param condition when: comparisons and words joined by and, or, and parentheses; {@code always}
   *     for what is left, {@code never} for what registers of this width never take
   */
  public record Rule(String pass, String algorithm, String condition) {}

  /** The table, with lines of at most 100 characters. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    String type = dtype.name().toLowerCase(Locale.ROOT);
    text.append("How convolutions of ").append(type).append(" are computed with ").append(isa);
    text.append(
        ":\nof a pass's rules, the first one that applies, and whose algorithm can compute");
    text.append(" the shape, decides.\n");
    text.append("always takes what is left, never is for registers of another width.\n\n");
    row(text, "Pass", "Algorithm", "Condition");
    String before = "";
    for (Rule rule : rules) {
      boolean first = !rule.pass.equals(before);
      text.append(first && !before.isEmpty() ? "\n" : "");
      row(text, first ? rule.pass : "", rule.algorithm, rule.condition);
      before = rule.pass;
    }
    forced.forEach(
        (pass, algorithm) ->
            text.append("\nOverridden: ")
                .append(pass)
                .append(" takes ")
                .append(algorithm)
                .append(" wherever it can.\n"));
    text.append("\nAlgorithms, and the shapes they can compute\n");
    algorithms.forEach((name, shapes) -> row(text, "", name, shapes));
    text.append("\nWords\n");
    words.forEach((word, meaning) -> row(text, "", word, meaning));
    return text.toString();
  }

  /** The last column is wrapped. */
  private static void row(StringBuilder text, String pass, String name, String last) {
    StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-9s%-12s", pass, name));
    boolean begun = false;
    for (String word : last.split(BREAK)) {
      if (begun && line.length() + 1 + word.length() > WIDTH) {
        text.append(line).append('\n');
        line.setLength(0);
        line.append(" ".repeat(CONDITION));
        begun = false;
      }
      line.append(begun ? " " : "").append(word);
      begun = true;
    }
    text.append(line).append('\n');
  }
}
