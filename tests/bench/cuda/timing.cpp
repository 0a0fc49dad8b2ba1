#include "timing.h"

#include <algorithm>
#include <memory>

#include "cuda/memory.h"
#include "cuda/runtime.h"
#include "kernels.h"

namespace bench {

namespace {

constexpr int kWarmUp = 3, kLeastRounds = 5, kMostRounds = 50, kWarmRuns = 50;
// For all rounds of a case.
constexpr double kSeconds = 0.5;

struct Events {
  Events() : begin(talus::cuda::event_create()), end(talus::cuda::event_create()) {}
  ~Events() {
    talus::cuda::event_free(begin);
    talus::cuda::event_free(end);
  }
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;

  talus::cuda::Event *const begin, *const end;
};

}  // namespace

CacheFlush::CacheFlush(bool small)
    : bytes_(small ? 4096 : std::max<int64_t>(int64_t{256} << 20, 4 * talus::cuda::properties(0).l2_bytes)),
      block_(talus::cuda::allocate(bytes_)) {}

CacheFlush::~CacheFlush() { talus::cuda::release(block_); }

void CacheFlush::queue() const {
  talus::cuda::fill(TALUS_FLOAT32, talus::Geometry<1>(bytes_ / 4, 0, nullptr), 0, 0, block_);
}

double median_seconds(const std::function<void()>& run, const CacheFlush& flush, Caches caches, bool small) {
  const int runs = caches == Caches::Cleared || small ? 1 : kWarmRuns;
  const auto round = [&](const Events& events) {
    if (caches == Caches::Cleared) flush.queue();
    talus::cuda::event_record(events.begin);
    for (int i = 0; i < runs; ++i) run();
    talus::cuda::event_record(events.end);
  };
  const auto seconds = [&](const Events& events) {
    return talus::cuda::event_milliseconds(events.begin, events.end) * 1e-3 / runs;
  };
  for (int i = 1; i < (small ? 1 : kWarmUp); ++i) run();
  const Events first;
  round(first);
  const double once = std::max(seconds(first) * runs, 1e-6);
  const int rounds =
      small ? 1 : std::max(kLeastRounds, static_cast<int>(std::min<double>(kMostRounds, kSeconds / once)));
  // All are queued before the first is read: waiting in between would let the device fall asleep.
  std::vector<std::unique_ptr<Events>> events;
  for (int i = 0; i < rounds; ++i) events.push_back(std::make_unique<Events>());
  for (const auto& e : events) round(*e);
  std::vector<double> times;
  for (const auto& e : events) times.push_back(seconds(*e));
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

}  // namespace bench
