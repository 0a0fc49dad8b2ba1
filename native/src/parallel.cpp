#include "parallel.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "cores.h"
#include "error.h"
#include "idler.h"

namespace talus {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int64_t kMaxChunks = 128;
constexpr int kMaxSpans = 32;
// How long an idle thread looks for work before it sleeps: longer than the gap between two operators of a network that
// are worth sharing. Waking a sleeper takes some 10 microseconds of its caller's time and 50 until it runs. After a
// while it lets other threads of its core run in between.
constexpr std::chrono::microseconds kSpin(200), kSpinAlone(20);

// True while this thread runs a chunk: a parallel_for in there runs inline.
thread_local bool inside_chunk = false;

// One call of parallel_for, on the caller's stack.
//
// Its chunks are cut into one span a thread. Each thread takes its own span first and helps with the others after, so
// that the same thread meets the same part of the data from one call to the next, in its own caches.
struct Job {
  struct alignas(64) Span {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };

  void (*body)(void*, int64_t, int64_t);
  void* context;
  int64_t n, step, chunks;
  int spans = 0;
  Span span[kMaxSpans];
  // Pool threads at work on it. Changed under the pool's mutex, read by the caller without.
  std::atomic<int> helpers{0};
  // The lowest chunk that threw so far; chunks after it need not run.
  std::atomic<int64_t> failed{std::numeric_limits<int64_t>::max()};
  std::mutex error_mutex;
  std::exception_ptr error;

  void cut(int threads) {
    spans = static_cast<int>(std::min<int64_t>({threads, chunks, kMaxSpans}));
    for (int i = 0; i < spans; ++i) {
      span[i].next = i * chunks / spans;
      span[i].end = (i + 1) * chunks / spans;
    }
  }

  bool taken() const {
    return std::all_of(span, span + spans, [](const Span& s) { return s.next.load() >= s.end; });
  }

  void run(int64_t chunk) const { body(context, chunk * step, std::min(n, (chunk + 1) * step)); }

  void run_all() {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) run(chunk);
  }

  // Takes chunks until none is left. The caller is thread 0.
  void share(int thread) {
    inside_chunk = true;
    for (int i = 0; i < spans; ++i) {
      Span& mine = span[(thread + i) % spans];
      // Looked at before it is written: most spans of others are empty by then.
      while (mine.next.load(std::memory_order_relaxed) < mine.end) {
        const int64_t chunk = mine.next.fetch_add(1);
        if (chunk >= mine.end) break;
        if (chunk <= failed.load()) run_or_note(chunk);
      }
    }
    inside_chunk = false;
  }

 private:
  void run_or_note(int64_t chunk) {
    try {
      run(chunk);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(error_mutex);
      if (chunk < failed.load()) {
        failed = chunk;
        error = std::current_exception();
      }
    }
  }
};

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

template <class Condition>
bool spin_until(Condition condition) {
  const auto start = std::chrono::steady_clock::now();
  for (;;) {
    for (int i = 0; i < 16; ++i) {
      if (condition()) return true;
      relax();
    }
    const auto spent = std::chrono::steady_clock::now() - start;
    if (spent >= kSpin) return condition();
    if (spent >= kSpinAlone) std::this_thread::yield();
  }
}

// Threads that help whoever calls. Callers and helpers at work together are kept to the number of threads, so many
// callers share the cores: with as many callers as threads, each works alone.
class Pool {
 public:
  // Never destroyed: threads of the host program may still be computing when it exits.
  static Pool& instance() {
    static Pool& pool = *new Pool;
    return pool;
  }

  int threads() const { return threads_; }

  int64_t shared() {
    const auto lock = hold();
    return shared_;
  }

  void resize(int threads) {
    const auto lock = hold();
    threads_ = threads;
    // Those too many leave when they wake.
    wake_.notify_all();
  }

  void run(Job& job) {
    job.cut(threads_);
    {
      const auto lock = hold();
      start_workers();
      jobs_.push_back(&job);
      ++shared_;
      ++running_;
      offer(job.chunks - 1);
    }
    job.share(0);
    {
      const auto lock = hold();
      remove(&job);
    }
    const auto done = [&] { return job.helpers.load() == 0; };
    if (!spin_until(done)) {
      auto lock = hold();
      done_.wait(lock, done);
    }
    const auto lock = hold();
    --running_;
    offer(1);
  }

 private:
  Pool() : threads_(std::max(1, std::min(granted_cores(), kMaxThreads))) {}

  // The mutex. Threads that finish a job together meet here, for a fraction of a microsecond; the system would put one
  // of them to sleep.
  std::unique_lock<std::mutex> hold() {
    std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    for (int i = 0; i < 200 && !lock; ++i) {
      relax();
      lock.try_lock();
    }
    if (!lock) lock.lock();
    return lock;
  }

  // ------------------------------------------------------------ all of these with the mutex held

  void start_workers() {
    while (workers_ < threads_ - 1) {
      // Signals belong to the host program's threads; new threads inherit the mask.
      sigset_t all, before;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before);
      try {
        std::thread([this, number = workers_ + 1] { work(number); }).detach();
      } catch (const std::system_error& e) {
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        fail(TALUS_INTERNAL_ERROR, "cannot start thread %d of %d: %s; set fewer threads", workers_ + 2, threads_.load(),
             e.what());
      }
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      ++workers_;
    }
  }

  // Tells up to `count` idle threads whether there is something to do.
  void offer(int64_t count) {
    const int free = threads_ - running_;
    const bool wanted = !jobs_.empty() && free > 0;
    help_wanted_ = wanted;
    if (!wanted) return;
    if (idle_.empty()) return;
    const int core = Idler::current_core();
    for (Idler* idler : idle_) idler->avoid(core);
    for (int64_t i = std::min<int64_t>({count, free, asleep_}); i > 0; --i) wake_.notify_one();
  }

  void remove(Job* job) {
    jobs_.erase(std::remove(jobs_.begin(), jobs_.end(), job), jobs_.end());
    help_wanted_ = !jobs_.empty() && running_ < threads_;
  }

  // A job with chunks left, or null. The next thread gets another job, so that all callers are helped.
  Job* take() {
    while (!jobs_.empty() && running_ < threads_) {
      Job* job = jobs_.front();
      if (job->taken()) {
        remove(job);
        continue;
      }
      std::rotate(jobs_.begin(), jobs_.begin() + 1, jobs_.end());
      ++job->helpers;
      ++running_;
      help_wanted_ = running_ < threads_;
      return job;
    }
    return nullptr;
  }

  // ------------------------------------------------------------ a pool thread's life

  // `number`: 1, 2, ... A thread begun after others left may share one; it only says where to look first.
  void work(int number) {
#if defined(__linux__)
    pthread_setname_np(pthread_self(), "talus");
#endif
    auto lock = hold();
    while (workers_ < threads_) {
      Job* job = take();
      if (job == nullptr) {
        rest(lock);
        continue;
      }
      lock.unlock();
      job->share(number);
      lock = hold();
      --running_;
      // The job may be gone as soon as its caller sees this.
      if (--job->helpers == 0) done_.notify_all();
      offer(1);
    }
    --workers_;
  }

  void rest(std::unique_lock<std::mutex>& lock) {
    Idler self;
    self.note_core();
    idle_.push_back(&self);
    lock.unlock();
    const bool wanted = spin_until([&] {
      self.note_core();
      return help_wanted_.load(std::memory_order_relaxed);
    });
    lock = hold();
    if (!wanted && !help_wanted_ && workers_ < threads_) {
      ++asleep_;
      wake_.wait(lock);
      --asleep_;
    }
    idle_.erase(std::remove(idle_.begin(), idle_.end(), &self), idle_.end());
    self.unbar();
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<Job*> jobs_;
  std::atomic<int> threads_;
  int workers_ = 0;
  std::vector<Idler*> idle_;
  int asleep_ = 0;
  int64_t shared_ = 0;
  // Callers and helpers inside run() or share().
  int running_ = 0;
  // Apart from what callers write: idle threads look at it all the time.
  alignas(64) std::atomic<bool> help_wanted_{false};
};

}  // namespace

void set_num_threads(int threads) {
  if (threads < 1 || threads > kMaxThreads)
    fail(TALUS_INVALID_ARGUMENT, "set_num_threads: %d threads, expected 1 to %d", threads, kMaxThreads);
  Pool::instance().resize(threads);
}

int num_threads() { return Pool::instance().threads(); }

int64_t shared_jobs() { return Pool::instance().shared(); }

void detail::parallel_for(int64_t n, int64_t grain, void (*body)(void*, int64_t, int64_t), void* context) {
  if (n <= 0) return;
  const int64_t wanted = std::min(kMaxChunks, n / std::max<int64_t>(grain, 1));
  if (wanted <= 1) {
    body(context, 0, n);
    return;
  }
  int64_t step = (n + wanted - 1) / wanted;
  // Long ranges begin on a cache line whatever the type of an item.
  if (step >= 1024) step = (step + 63) / 64 * 64;
  Job job;
  job.body = body;
  job.context = context;
  job.n = n;
  job.step = step;
  job.chunks = (n + step - 1) / step;
  if (inside_chunk || job.chunks == 1 || num_threads() == 1) {
    job.run_all();
    return;
  }
  Pool::instance().run(job);
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace talus
