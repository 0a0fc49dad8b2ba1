package dev.talus.tests.optim;

import dev.talus.nn.Parameter;
import dev.talus.optim.Adam;
import dev.talus.optim.AdamW;
import dev.talus.optim.Optimizer;
import dev.talus.optim.SGD;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.params.provider.Arguments;

/**
 * Options of optimizers, and where they lead: the three parameters after the first and after the
 * fifth step that minimises sum(c w²), as PyTorch 2.13.0 printed them in float64.
 */
final class OptimizerRows {
  private OptimizerRows() {}

  private static Arguments row(
      String options, Function<List<Parameter>, Optimizer> maker, double... expected) {
    return Arguments.of(options, maker, expected);
  }

  static List<Arguments> sgd() {
    return List.of(
        row("lr", p -> new SGD(p, 0.1), 0.8, -1.8, 3.15, 0.32768, -1.18098, 3.8288446875),
        row(
            "momentum",
            p -> new SGD(p, 0.1).momentum(0.9),
            0.8,
            -1.8,
            3.15,
            -0.58042,
            0.05832,
            5.2139446875),
        row(
            "dampening",
            p -> new SGD(p, 0.1).momentum(0.9).dampening(0.5),
            0.8,
            -1.8,
            3.15,
            -0.28512,
            -0.50603625,
            4.38539185546875),
        row(
            "nesterov",
            p -> new SGD(p, 0.1).momentum(0.9).nesterov(true),
            0.62,
            -1.62,
            3.285,
            -0.4157175808,
            0.2091633678,
            6.0832658720531256),
        row(
            "weight decay",
            p -> new SGD(p, 0.1).weightDecay(0.2),
            0.78,
            -1.76,
            3.09,
            0.2887174368,
            -1.0554638336,
            3.4778222229),
        row(
            "all",
            p -> new SGD(p, 0.1).momentum(0.8).weightDecay(0.2).nesterov(true),
            0.604,
            -1.568,
            3.162,
            -0.28029553607577612,
            0.11643084026675207,
            4.4381493931206712),
        row(
            "maximize",
            p -> new SGD(p, 0.1).momentum(0.9).maximize(true),
            1.2,
            -2.2,
            2.85,
            5.08842,
            -5.302,
            1.2514678125));
  }

  static List<Arguments> adam() {
    return List.of(
        row(
            "defaults",
            Adam::new,
            0.999000000005,
            -1.999000000005,
            3.0009999999933332,
            0.99500043605239197,
            -1.9950002173459327,
            3.0050001440802458),
        row(
            "lr",
            p -> new Adam(p, 0.1),
            0.9000000005,
            -1.9000000005,
            3.0999999993333334,
            0.50796365926434184,
            -1.5029557825929858,
            3.5011627947676809),
        row(
            "betas",
            p -> new Adam(p, 0.1).betas(0.8, 0.95),
            0.9000000005,
            -1.9000000005,
            3.0999999993333334,
            0.51117471309036677,
            -1.5044181695601047,
            3.5020103633842186),
        row(
            "eps",
            p -> new Adam(p, 0.1).eps(0.5),
            0.92,
            -1.92,
            3.075,
            0.61108259958143263,
            -1.6050354575027668,
            3.3780094933809228),
        row(
            "weight decay",
            p -> new Adam(p, 0.1).weightDecay(0.3),
            0.90000000043478257,
            -1.9000000003846154,
            3.0999999983333333,
            0.50796365891701001,
            -1.502955781993921,
            3.501162789908733),
        row(
            "amsgrad",
            p -> new Adam(p, 0.1).betas(0.5, 0.6).amsgrad(true),
            0.9000000005,
            -1.9000000005,
            3.0999999993333334,
            0.52264557481841878,
            -1.5052772118875555,
            3.5015656252934151),
        row(
            "maximize",
            p -> new Adam(p, 0.1).maximize(true),
            1.0999999995,
            -2.0999999995,
            2.9000000006666666,
            1.5021791955437123,
            -2.5015590625960606,
            2.501779458793346));
  }

  static List<Arguments> adamW() {
    return List.of(
        row(
            "defaults",
            AdamW::new,
            0.998990000005,
            -1.998980000005,
            3.0009699999933335,
            0.99495054143134221,
            -1.9949003237012546,
            3.0048500427640827),
        row(
            "weight decay",
            p -> new AdamW(p, 0.1).weightDecay(0.3),
            0.8700000005,
            -1.8400000005,
            3.0099999993333335,
            0.39926380734775835,
            -1.2518651931597893,
            3.0472222711542933),
        row(
            "amsgrad",
            p -> new AdamW(p, 0.1).betas(0.5, 0.6).amsgrad(true),
            0.8990000005,
            -1.8980000005,
            3.0969999993333333,
            0.51900670143704608,
            -1.4964679371261491,
            3.4855539714880819));
  }
}
