package dev.talus.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** Who takes turns when, and who is compared with what. */
class ContestTest {
  private static final Settings SHORT = new Settings(5, 0.002, 1, new int[] {1}, "");

  private static Runnable spin(long micros) {
    return () -> {
      long end = System.nanoTime() + micros * 1000;
      while (System.nanoTime() < end) {
        Thread.onSpinWait();
      }
    };
  }

  @Test
  void rivalsTakeTurns() {
    List<String> turns = new ArrayList<>();
    List<Timing> timings =
        new Contest(SHORT)
            .run(
                List.of(
                    new Rival("a", "1t", 1, () -> turns.add("a"), spin(100)),
                    new Rival("b", "1t", 1, () -> turns.add("b"), spin(100))));
    assertThat(turns).hasSize(12);
    for (int i = 0; i < turns.size(); i++) {
      assertThat(turns.get(i)).isEqualTo(i % 2 == 0 ? "a" : "b");
    }
    assertThat(timings).extracting(Timing::side).containsExactly("a", "b");
    assertThat(timings.get(0).rounds()).hasSize(5);
    assertThat(timings.get(0).median()).isBetween(90e-6, 10e-3);
  }

  @Test
  void onlyContestsOfSeveralThreadsAskWhereTheCoresAre() {
    Rival alone = new Rival("a", "1t", 1, () -> {}, spin(100));
    Rival pair = new Rival("b", "2t", 2, () -> {}, spin(100));
    assertThat(new Contest(SHORT).run(List.of(alone)).get(0).handoverNanos()).isZero();
    assertThat(new Contest(SHORT).run(List.of(alone, pair)))
        .allSatisfy(timing -> assertThat(timing.handoverNanos()).isPositive());
  }

  @Test
  void aHopelessSettingOfALibraryIsDroppedButNeverTheLibrary() {
    List<Timing> timings =
        new Contest(SHORT)
            .run(
                List.of(
                    new Rival("quick", "1t", 1, () -> {}, spin(50)),
                    new Rival("slow", "1t", 1, () -> {}, spin(5000)),
                    new Rival("slow", "2t", 2, () -> {}, spin(50_000))));
    assertThat(timings).extracting(Timing::side).containsExactly("quick", "slow");
    assertThat(timings.get(1).setting()).isEqualTo("1t");
  }

  @Test
  void aSettingThatLostOnceDoesNotWarmUpAgain() {
    AtomicInteger calls = new AtomicInteger();
    Rival alone =
        new Rival(
            "a",
            "1t",
            1,
            () -> {},
            () -> {
              calls.incrementAndGet();
              spin(5000).run();
            });
    Contest contest = new Contest(SHORT);
    contest.run(List.of(alone));
    int before = calls.get();
    assertThat(before).isPositive();
    Rival quick = new Rival("a", "2t", 2, () -> {}, spin(50));
    assertThat(contest.run(List.of(quick, alone))).hasSize(1);
    assertThat(calls.get()).isEqualTo(before);
  }

  @Test
  void slowWorkGetsFewerRoundsButThree() {
    Settings hasty = new Settings(100, 0.001, 0.01, new int[] {1}, "");
    List<Timing> timings =
        new Contest(hasty)
            .run(
                List.of(
                    new Rival("a", "1t", 1, () -> {}, () -> LockSupport.parkNanos(20_000_000)),
                    new Rival("b", "1t", 1, () -> {}, () -> LockSupport.parkNanos(20_000_000))));
    assertThat(timings.get(0).rounds()).hasSize(3);
  }

  @Test
  void resultsThatDifferAreNotCompared() {
    float[] ours = {1, 2, 3};
    Agreement.check("output", ours, new float[] {1, 2.001f, 3});
    assertThatThrownBy(() -> Agreement.check("output", ours, new float[] {1, 2.1f, 3}))
        .hasMessageContaining("output differs");
    assertThatThrownBy(() -> Agreement.check("output", ours, new float[] {1, 2, Float.NaN}))
        .hasMessageContaining("not finite");
    float[] tiny = {1, 1e-42f, 1e-42f};
    assertThatThrownBy(() -> Agreement.check("output", tiny, tiny))
        .hasMessageContaining("2 of 3 numbers are denormal");
  }
}
