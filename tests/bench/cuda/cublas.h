// cuBLAS as the rival in matrix products. It is loaded when the program runs, so nothing here needs it to build.
#pragma once

#include <memory>
#include <string>

#include "cases.h"

namespace bench {

class Cublas {
 public:
  // From `path`, or by the names that the system's loader knows. Null where it cannot be had; `why` then says so.
  static std::unique_ptr<Cublas> load(const std::string& path, std::string* why);
  ~Cublas();
  Cublas(const Cublas&) = delete;
  Cublas& operator=(const Cublas&) = delete;

  // The same product on the current stream, in full float32 or with operands rounded to TF32, as the product says.
  void multiply(const Product& p, const Addresses& at) const;

  const std::string& version() const { return version_; }

 private:
  Cublas() = default;

  struct Functions;
  std::unique_ptr<Functions> functions_;
  void* handle_ = nullptr;
  std::string version_;
};

}  // namespace bench
