package dev.talus.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The command line: {@code talus train}, {@code eval}, {@code predict} and {@code doctor}.
 *
 * <p>Exit status 0 is success, 2 a wrong option or a broken file, 1 an error of Talus itself; both
 * errors print one line. The environment variable {@code TALUS_STACKTRACE=1} adds the stack trace.
 */
@Command(
    name = "talus",
    description = "Trains and runs the tutorial's convolutional network on handwritten digits.",
    subcommands = {
      TrainCommand.class,
      EvalCommand.class,
      PredictCommand.class,
      DoctorCommand.class
    },
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {
      "0:success",
      "1:an error of Talus itself",
      "2:a wrong option, or a file that is missing or broken"
    })
public final class Main implements Callable<Integer> {
  @Spec private CommandSpec spec;

  /** For the command-line parser. */
  public Main() {}

  /**
   * Runs a command and ends the process with its status.
   *
   * @param args the command and its options
   */
  public static void main(String[] args) {
    // Drawing the loss curve needs no display, and must not look for one.
    System.setProperty("java.awt.headless", "true");
    System.exit(run(new PrintWriter(System.out, true), new PrintWriter(System.err, true), args));
  }

  /**
   * Runs a command.
   *
   * @param out for results
   * @param err for errors
   * @param args the command and its options
   * @return the exit status
   */
  static int run(PrintWriter out, PrintWriter err, String... args) {
    CommandLine line =
        new CommandLine(new Main())
            .setOut(out)
            .setErr(err)
            .setCaseInsensitiveEnumValuesAllowed(true)
            .setUsageHelpAutoWidth(true)
            .setParameterExceptionHandler((e, rejected) -> rejected(e))
            .setExecutionExceptionHandler((e, command, parsed) -> failed(e, command));
    try {
      return line.execute(args);
    } catch (Error e) {
      // Loading the native library fails with an Error, which the parser lets pass.
      return Failure.report(e, err, "talus");
    } finally {
      out.flush();
      err.flush();
    }
  }

  private static int rejected(ParameterException e) {
    CommandLine command = e.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    String hint = " (see: " + name + " --help)";
    return Failure.report(new UserError(e.getMessage() + hint, e), command.getErr(), name);
  }

  private static int failed(Exception e, CommandLine command) {
    return Failure.report(e, command.getErr(), command.getCommandSpec().qualifiedName());
  }

  @Override
  public Integer call() {
    throw new ParameterException(
        spec.commandLine(), "missing command: train, eval, predict or doctor");
  }

  /** The version that the build wrote into the jar. */
  static String version() {
    String version = Main.class.getPackage().getImplementationVersion();
    return version == null ? "(not from a jar)" : version;
  }

  /** Prints the version for {@code --version}. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"talus " + version()};
    }
  }
}
