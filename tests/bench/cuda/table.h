// The table: a line for every case, with the ceilings and the rivals beside it.
#pragma once

#include <map>
#include <string>

#include "cases.h"
#include "peaks.h"

namespace bench {

struct Measured {
  const Case* row;
  Unit unit;
  double work, seconds;
  double cublas_seconds, torch_seconds;  // 0: not there
};

// Whether the agreed shares are for this device.
bool has_targets(const std::string& device);

void print_head();
void print_row(const Measured& m, const Peaks& peaks, bool targets);

// Seconds of PyTorch by Case::torch, from "work,seconds" lines. Those that begin with # say why something is missing,
// and are added to `notes`. Throws if the file cannot be read.
std::map<std::string, double> read_torch(const std::string& path, std::string* notes);

}  // namespace bench
