#include "cpu_features.h"

#include <cstdlib>
#include <fstream>

#include "check.h"
#include "error.h"

namespace {

TEST(the_best_available_set_is_the_default) {
  const std::string names = talus::available_isas();
  const std::string current = talus::isa_name(talus::current_isa());
  CHECK(!names.empty());
  CHECK(std::getenv("TALUS_ISA") != nullptr || names.substr(names.find_last_of(',') + 1) == current);
}

#if defined(__x86_64__)
// What the operating system says about the processor; empty where there is no such file.
std::string processor_flags() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("flags", 0) == 0) return line + " ";
  return "";
}

TEST(the_probe_agrees_with_the_operating_system) {
  const std::string flags = processor_flags();
  const auto has = [&](const char* flag) { return flags.find(std::string(" ") + flag + " ") != std::string::npos; };
  CHECK(talus::isa_available(talus::Isa::Baseline));
  CHECK(!talus::isa_available(talus::Isa::Neon));
  if (flags.empty()) return;
  CHECK(talus::isa_available(talus::Isa::Avx2) == (has("avx2") && has("fma")));
  CHECK(talus::isa_available(talus::Isa::Avx512) ==
        (has("avx512f") && has("avx512bw") && has("avx512dq") && has("avx512vl")));
}
#endif

TEST(each_available_set_can_be_chosen) {
  int seen = 0;
  for_each_isa([&](const char* name) {
    CHECK(std::string(talus::isa_name(talus::current_isa())) == name);
    ++seen;
  });
  CHECK(seen >= 1);
}

TEST(unknown_sets_are_refused_and_change_nothing) {
  const talus::Isa before = talus::current_isa();
  CHECK_FAILS(talus::set_isa("sse9"), "'sse9' is not available");
  CHECK_FAILS(talus::set_isa(""), "expected one of: ");
  CHECK_FAILS(talus::set_isa("AVX2"), talus::available_isas());
  CHECK(talus::current_isa() == before);
}

// Run by CTest with TALUS_ISA=sse9.
TEST(unknown_isa_from_environment) {
  CHECK_FAILS(talus::current_isa(), "TALUS_ISA: instruction set 'sse9' is not available");
  CHECK_FAILS(talus::current_isa(), "TALUS_ISA");
  const std::string names = talus::available_isas(), first = names.substr(0, names.find(','));
  talus::set_isa(first);
  CHECK(talus::isa_name(talus::current_isa()) == first);
}

// Run by CTest with TALUS_ISA naming each set of the build; one that the machine lacks must be an error.
TEST(forced_isa_from_environment) {
  const std::string name = std::getenv("TALUS_ISA");
  if (("," + std::string(talus::available_isas()) + ",").find("," + name + ",") != std::string::npos) {
    CHECK(name == talus::isa_name(talus::current_isa()));
  } else {
    CHECK_FAILS(talus::current_isa(), "is not available");
  }
}

}  // namespace
