// By index: rows, as a language model's embedding and its gradient, single elements, classes, and images of a data set.
#include "cases.h"
#include "kernels.h"

namespace bench {

namespace {

Case row(const char* what, const char* key, int64_t table, int64_t width, int64_t count,
         std::function<Problem()> make) {
  Case c;
  c.family = "indexing";
  c.label =
      std::string(what) + " " + std::to_string(count) + " of " + std::to_string(table) + "x" + std::to_string(width);
  c.torch = torch_work(key, table, width, count);
  c.make = std::move(make);
  return c;
}

Case select_case(int64_t table, int64_t width, int64_t count) {
  return row("embedding", "index_select", table, width, count, [=] {
    Problem p;
    p.input(table * width), p.indices(count, table), p.output(count * width);
    p.kernel(talus::cuda::index_select, talus::ref::index_select, [=](auto select, const Addresses& at) {
      select(TALUS_FLOAT32, 1, table, width, count, at[0], static_cast<const int64_t*>(at[1]), at[2]);
    });
    // Only the chosen rows travel.
    p.unit = Unit::Bytes;
    p.work = static_cast<double>(count) * (8.0 * static_cast<double>(width) + 8);
    return p;
  });
}

Case add_case(int64_t table, int64_t width, int64_t count) {
  return row("index_add", "index_add", table, width, count, [=] {
    Problem p;
    p.input(count * width), p.indices(count, table), p.updated(table * width);
    p.kernel(talus::cuda::index_add, talus::ref::index_add, [=](auto add, const Addresses& at) {
      add(TALUS_FLOAT32, 1, table, width, count, at[0], static_cast<const int64_t*>(at[1]), at[2]);
    });
    p.unit = Unit::Bytes;
    p.work = static_cast<double>(count) * (12.0 * static_cast<double>(width) + 8);
    return p;
  });
}

// An index for every element of `count` rows.
Case gather_case(int64_t table, int64_t width, int64_t count) {
  return row("gather", "gather", table, width, count, [=] {
    Problem p;
    p.input(table * width), p.indices(count * width, table), p.output(count * width);
    p.kernel(talus::cuda::gather, talus::ref::gather, [=](auto gather, const Addresses& at) {
      gather(TALUS_FLOAT32, 1, table, width, count, at[0], static_cast<const int64_t*>(at[1]), at[2]);
    });
    p.unit = Unit::Bytes;
    p.work = static_cast<double>(count * width) * 16;
    return p;
  });
}

Case scatter_add_case(int64_t table, int64_t width, int64_t count) {
  return row("scatter_add", "scatter_add", table, width, count, [=] {
    Problem p;
    p.input(count * width), p.indices(count * width, table), p.updated(table * width);
    p.kernel(talus::cuda::scatter_add, talus::ref::scatter_add, [=](auto add, const Addresses& at) {
      add(TALUS_FLOAT32, 1, table, width, count, at[0], static_cast<const int64_t*>(at[1]), at[2]);
    });
    p.unit = Unit::Bytes;
    p.work = static_cast<double>(count * width) * 20;
    return p;
  });
}

Case one_hot_case(int64_t n, int64_t classes) {
  Case c;
  c.family = "indexing";
  c.label = "one_hot " + std::to_string(n) + "x" + std::to_string(classes);
  c.torch = torch_work("one_hot", n, classes);
  c.make = [=] {
    Problem p;
    p.indices(n, classes), p.index_output(n * classes);
    p.kernel(talus::cuda::one_hot, talus::ref::one_hot, [=](auto one_hot, const Addresses& at) {
      one_hot(n, classes, static_cast<const int64_t*>(at[0]), static_cast<int64_t*>(at[1]));
    });
    p.count_operands();
    return p;
  };
  return c;
}

// Images of MNIST's kind, normalised and with a border; PyTorch has no single call for it.
Case image_case(int64_t count, int64_t size, int64_t pad, int64_t n) {
  Case c;
  c.family = "indexing";
  c.label = "image batch " + std::to_string(n) + " of " + std::to_string(count) + "x" + std::to_string(size) + "x" +
            std::to_string(size) + " pad " + std::to_string(pad);
  c.make = [=] {
    const int64_t pixels = size * size, padded = (size + 2 * pad) * (size + 2 * pad);
    Problem p;
    p.bytes(count * pixels, 256), p.indices(n, count), p.output(n * padded);
    p.kernel(talus::cuda::image_batch, talus::ref::image_batch, [=](auto batch, const Addresses& at) {
      batch(count, size, size, pad, 0.1307, 0.3081, n, static_cast<const uint8_t*>(at[0]),
            static_cast<const int64_t*>(at[1]), static_cast<float*>(at[2]));
    });
    p.unit = Unit::Bytes;
    p.work = static_cast<double>(n * (pixels + 4 * padded + 8));
    return p;
  };
  return c;
}

}  // namespace

std::vector<Case> index_cases(bool small) {
  const int64_t table = small ? 30 : 50257, width = small ? 20 : 768, count = small ? 90 : 16384;
  return {select_case(table, width, count),
          add_case(table, width, count),
          gather_case(table, width, count),
          scatter_add_case(table, width, count),
          small ? one_hot_case(37, 11) : one_hot_case(16384, 1000),
          small ? image_case(9, 6, 2, 5) : image_case(60000, 28, 2, 8192)};
}

}  // namespace bench
