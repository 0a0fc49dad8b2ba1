package dev.talus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;

/** One run of the command line inside this process: its status and what it printed. */
record Cli(int status, String out, String err) {

  /** Runs a command. */
  static Cli run(Object... args) {
    String[] words = new String[args.length];
    for (int i = 0; i < args.length; i++) {
      words[i] = args[i].toString();
    }
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status = Main.run(new PrintWriter(out), new PrintWriter(err), words);
    return new Cli(status, out.toString(), err.toString());
  }

  /** Expects success with nothing on the error stream. */
  Cli succeeds() {
    assertThat(err).isEmpty();
    assertThat(status).isZero();
    return this;
  }

  /** Expects status 2 and exactly one line of error that holds all the given texts. */
  Cli isRejectedWith(CharSequence... texts) {
    assertThat(status).as("exit status; stderr: %s", err).isEqualTo(2);
    assertThat(err.lines()).hasSize(1);
    assertThat(err).contains(texts).doesNotContain("\tat ", "Exception");
    return this;
  }
}
