#include "table.h"

#include <cstdio>
#include <fstream>

#include "error.h"

namespace bench {

namespace {

std::string number(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// How much faster than a rival, as in 1.25x.
std::string ratio(double rival, double own) { return rival > 0 ? number("%.2fx", rival / own) : "-"; }

}  // namespace

bool has_targets(const std::string& device) { return device.find("H100") != std::string::npos; }

void print_head() {
  std::printf("%-14s %-44s %11s %17s %8s %8s %8s  %s\n", "family", "case", "time", "rate", "ceiling", "cuBLAS",
              "PyTorch", "target");
}

void print_row(const Measured& m, const Peaks& peaks, bool targets) {
  const bool flops = m.unit == Unit::Flops;
  const double ceiling = !flops ? peaks.bandwidth() : m.row->tensor_cores ? peaks.tf32 : peaks.fma;
  const double rate = m.work / m.seconds, share = ceiling > 0 ? rate / ceiling : 0;
  std::string target;
  // A share that should be reached, and what there is; without the rival nobody knows.
  const auto judge = [&](const char* of, double wanted, double found) {
    if (!targets || wanted <= 0) return;
    if (!target.empty()) target += ", ";
    target += number("%.2f", wanted) + " of " + of + ": " + (found <= 0 ? "-" : found >= wanted ? "met" : "MISSED");
  };
  judge("ceiling", m.row->of_ceiling, share);
  judge("cuBLAS", m.row->of_cublas, m.cublas_seconds / m.seconds);
  judge("PyTorch", m.row->of_torch, m.torch_seconds / m.seconds);
  std::printf("%-14s %-44s %8.1f us %10.1f %s %8s %8s %8s  %s\n", m.row->family.c_str(), m.row->label.c_str(),
              m.seconds * 1e6, rate * 1e-9, flops ? "GFLOP/s" : "GB/s   ",
              ceiling > 0 ? number("%.1f%%", share * 100).c_str() : "-", ratio(m.cublas_seconds, m.seconds).c_str(),
              ratio(m.torch_seconds, m.seconds).c_str(), target.empty() ? "-" : target.c_str());
  std::fflush(stdout);
}

std::map<std::string, double> read_torch(const std::string& path, std::string* notes) {
  std::ifstream file(path);
  if (!file) talus::fail(TALUS_INVALID_ARGUMENT, "%s cannot be read; --torch names a file of times", path.c_str());
  std::map<std::string, double> seconds;
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    if (line[0] == '#') {
      *notes += "PyTorch: " + line.substr(line.find_first_not_of("# ")) + "\n";
      continue;
    }
    const size_t comma = line.find(',');
    char* end = nullptr;
    const double value = comma == std::string::npos ? 0 : std::strtod(line.c_str() + comma + 1, &end);
    if (value <= 0 || *end != '\0')
      talus::fail(TALUS_INVALID_ARGUMENT, "%s: '%s' is not 'work,seconds'", path.c_str(), line.c_str());
    seconds[line.substr(0, comma)] = value;
  }
  return seconds;
}

}  // namespace bench
