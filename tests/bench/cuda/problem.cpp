#include "problem.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "cuda/memory.h"
#include "cuda/runtime.h"

namespace bench {

namespace {

// Drawing values takes longer than copying them: longer operands repeat the first ones.
constexpr int64_t kDrawn = 1 << 20;

template <class T>
void draw(const Operand& o, uint64_t seed, int64_t n, char* to) {
  uint64_t state = seed * 0x9e3779b97f4a7c15u;
  for (int64_t i = 0; i < n; ++i) {
    uint64_t bits = state += 0x9e3779b97f4a7c15u;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
    const T value = static_cast<T>(o.low + (o.high - o.low) * (static_cast<double>(bits >> 32) / 4294967296.0));
    std::memcpy(to + i * int64_t{sizeof(T)}, &value, sizeof value);
  }
}

// The first min(n, kDrawn) values of operand number i.
std::vector<char> drawn(const Operand& o, size_t i) {
  const int64_t n = std::min(o.n, kDrawn);
  std::vector<char> bytes(static_cast<size_t>(n * Problem::item(o)));
  if (!o.read) return bytes;
  const uint64_t seed = i + 1;
  if (o.dtype == TALUS_FLOAT32)
    draw<float>(o, seed, n, bytes.data());
  else if (o.dtype == TALUS_INT64)
    draw<int64_t>(o, seed, n, bytes.data());
  else
    draw<uint8_t>(o, seed, n, bytes.data());
  return bytes;
}

template <class T>
std::vector<double> doubles(const std::vector<char>& bytes) {
  std::vector<double> values(bytes.size() / sizeof(T));
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof value);
    values[i] = static_cast<double>(value);
  }
  return values;
}

std::vector<double> doubles(const Operand& o, const std::vector<char>& bytes) {
  if (o.dtype == TALUS_FLOAT32) return doubles<float>(bytes);
  return o.dtype == TALUS_INT64 ? doubles<int64_t>(bytes) : doubles<uint8_t>(bytes);
}

std::string compare(const std::vector<double>& actual, const std::vector<double>& expected, double tolerance) {
  double squares = 0;
  for (const double e : expected) squares += e * e;
  const double scale = std::sqrt(squares / static_cast<double>(std::max<size_t>(expected.size(), 1)));
  for (size_t i = 0; i < expected.size(); ++i) {
    // Written so that a NaN differs.
    if (std::fabs(actual[i] - expected[i]) <= tolerance * (std::fabs(expected[i]) + scale)) continue;
    char text[128];
    std::snprintf(text, sizeof text, "value %zu is %.9g, the reference has %.9g", i, actual[i], expected[i]);
    return text;
  }
  return "";
}

}  // namespace

OnDevice::OnDevice(const Problem& problem) {
  for (size_t i = 0; i < problem.operands.size(); ++i) {
    const Operand& o = problem.operands[i];
    const int64_t total = o.n * Problem::item(o);
    at_.push_back(talus::cuda::allocate(total));
    if (!o.read) continue;
    const std::vector<char> bytes = drawn(o, i);
    for (int64_t done = 0; done < total; done += static_cast<int64_t>(bytes.size()))
      talus::cuda::put(static_cast<char*>(at_[i]) + done, bytes.data(),
                       std::min(total - done, static_cast<int64_t>(bytes.size())));
  }
}

OnDevice::~OnDevice() {
  for (void* address : at_) talus::cuda::release(address);
}

std::vector<double> OnDevice::values(const Problem& problem, int i) const {
  const Operand& o = problem.operands[static_cast<size_t>(i)];
  std::vector<char> bytes(static_cast<size_t>(o.n * Problem::item(o)));
  talus::cuda::get(bytes.data(), at_[static_cast<size_t>(i)], static_cast<int64_t>(bytes.size()));
  return doubles(o, bytes);
}

std::string difference(const Problem& problem) {
  const OnDevice device(problem);
  problem.on_device(device.at());
  std::vector<std::vector<char>> host;
  Addresses at;
  for (size_t i = 0; i < problem.operands.size(); ++i) {
    if (problem.operands[i].n > kDrawn) return "operand " + std::to_string(i) + " is too large for the check";
    host.push_back(drawn(problem.operands[i], i));
    at.push_back(host.back().data());
  }
  problem.oracle(at);
  for (size_t i = 0; i < problem.operands.size(); ++i) {
    const Operand& o = problem.operands[i];
    if (!o.written) continue;
    const double tolerance = o.dtype == TALUS_FLOAT32 ? problem.tolerance : 0;
    const std::string found = compare(device.values(problem, static_cast<int>(i)), doubles(o, host[i]), tolerance);
    if (!found.empty()) return "operand " + std::to_string(i) + ": " + found;
  }
  return "";
}

}  // namespace bench
