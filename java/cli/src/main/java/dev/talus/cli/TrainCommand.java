package dev.talus.cli;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.data.DataLoader;
import dev.talus.data.Mnist;
import dev.talus.examples.Net;
import dev.talus.io.Safetensors;
import dev.talus.nn.Parameter;
import dev.talus.optim.Optimizer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code talus train}: trains the network and writes weights, metrics and the loss curve. */
@Command(
    name = "train",
    description = "Trains the network, and writes lenet.safetensors, metrics.jsonl and loss.png.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    sortOptions = false,
    showDefaultValues = true)
final class TrainCommand implements Callable<Integer> {
  private static final String WEIGHTS = "lenet.safetensors";
  private static final String METRICS = "metrics.jsonl";
  private static final String CHART = "loss.png";

  @Spec private CommandSpec spec;
  @Mixin private DataOption dataOption;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      defaultValue = "3",
      description = "Passes over the training images.")
  private int epochs;

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      defaultValue = "64",
      description = "Images per step.")
  private int batchSize;

  @Mixin private OptimizerOptions optimizerOptions;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Seed of the first weights and of the order of the images.")
  private long seed;

  @Mixin private ThreadsOption threadsOption;

  @Option(
      names = "--workers",
      paramLabel = "N",
      defaultValue = "1",
      description = "Threads that prepare batches ahead; results do not depend on it.")
  private int workers;

  @Option(
      names = "--log-every",
      paramLabel = "STEPS",
      defaultValue = "100",
      description =
          "Steps between two rows of metrics.jsonl, and between two plain lines; the end of an"
              + " epoch has one too.")
  private int logEvery;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "out",
      description = "Directory to write to; it is made if it is missing.")
  private Path directory;

  @Override
  public Integer call() {
    Check.atLeast(1, "--epochs", epochs);
    Check.atLeast(1, "--batch-size", batchSize);
    Check.atLeast(0, "--workers", workers);
    Check.atLeast(1, "--log-every", logEvery);
    optimizerOptions.check();
    threadsOption.apply();
    try (Mnist train = dataOption.load(true);
        Mnist test = dataOption.load(false)) {
      OutputFile.makeDirectory(directory);
      Talus.manualSeed(seed);
      try (Net net = new Net();
          Optimizer optimizer = optimizerOptions.create(net.parameters())) {
        printSettings(net, train, test);
        train(net, optimizer, train, test);
      }
    }
    return 0;
  }

  private void train(Net net, Optimizer optimizer, Mnist train, Mnist test) {
    PrintWriter out = spec.commandLine().getOut();
    String noChart = LossChart.obstacle();
    if (noChart != null) {
      spec.commandLine().getErr().println("talus train: no " + CHART + ": " + noChart);
    }
    TrainingRecord record = new TrainingRecord();
    Trainer trainer = new Trainer(net, optimizer, optimizerOptions::learningRate, record, logEvery);
    double seconds = 0;
    double waited = 0;
    DataLoader loader = new DataLoader(train, batchSize).shuffle(true).seed(seed).workers(workers);
    for (int epoch = 1; epoch <= epochs; epoch++) {
      Trainer.Epoch result;
      try (Progress progress = Progress.start(out, "Epoch " + epoch + "/" + epochs, train.size())) {
        result = trainer.epoch(epoch, epochs, loader, progress);
      }
      seconds += result.seconds();
      waited += loader.waitShare() * result.seconds();
      Evaluation tested = Evaluation.of(net, test);
      record.addEpoch(result, tested);
      print(
          "Epoch %d/%d: training loss %.4f, test loss %.4f, test accuracy %.2f %%,"
              + " %.1f s, %.0f images/s",
          epoch,
          epochs,
          result.loss(),
          tested.loss(),
          100 * tested.accuracy(),
          result.seconds(),
          result.images() / result.seconds());
      // After every epoch, so that Ctrl-C leaves the results of the last whole one.
      save(net, record, noChart == null);
    }
    print("Training took %.1f s, %.1f %% of it waiting for data.", seconds, 100 * waited / seconds);
    for (String name : new String[] {WEIGHTS, METRICS, CHART}) {
      if (noChart == null || !name.equals(CHART)) {
        print("Wrote %s", directory.resolve(name));
      }
    }
  }

  private void save(Net net, TrainingRecord record, boolean chart) {
    try (Scope scope = Scope.open()) {
      OutputFile.write(
          directory.resolve(WEIGHTS), part -> Safetensors.write(part, net.stateDict()));
    }
    record.saveMetrics(directory.resolve(METRICS));
    if (chart) {
      record.saveChart(directory.resolve(CHART));
    }
  }

  private void printSettings(Net net, Mnist train, Mnist test) {
    print("%s", net);
    long parameters = net.parameters().stream().mapToLong(Parameter::numel).sum();
    print("Parameters   %,d", parameters);
    print(
        "Data         %s: %,d training and %,d test images",
        dataOption.source(), train.size(), test.size());
    print("Optimizer    %s", optimizerOptions);
    print("Training     epochs %d, batch size %d, seed %d", epochs, batchSize, seed);
    print(
        "Computing    threads %d, workers %d, instruction set %s",
        Talus.numThreads(), workers, Talus.isa());
    print("Output       %s", directory.toAbsolutePath().normalize());
  }

  private void print(String format, Object... values) {
    spec.commandLine().getOut().println(String.format(Locale.ROOT, format, values));
  }
}
