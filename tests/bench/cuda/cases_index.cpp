// Rows by index: a language model's embedding and its gradient.
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

}  // namespace

std::vector<Case> index_cases(bool small) {
  const int64_t table = small ? 30 : 50257, width = small ? 20 : 768, count = small ? 90 : 16384;
  return {select_case(table, width, count), add_case(table, width, count)};
}

}  // namespace bench
