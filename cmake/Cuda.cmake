# TALUS_CUDA: OFF, ON (needs nvcc), or EMULATED: CUDA's kernels as plain C++ in the library, for tests of what lies above
# it on machines without a GPU.
set(TALUS_CUDA OFF CACHE STRING "Kernels for CUDA devices: OFF, ON or EMULATED")
set_property(CACHE TALUS_CUDA PROPERTY STRINGS OFF ON EMULATED)
if(NOT TALUS_CUDA MATCHES "^(OFF|ON|EMULATED)$")
  message(FATAL_ERROR "TALUS_CUDA is '${TALUS_CUDA}', expected OFF, ON or EMULATED")
endif()

if(TALUS_CUDA STREQUAL "ON")
  # A language can only be enabled here, at the top: not in a function.
  include(Nvcc)
endif()

# Kernels for CUDA are also compiled as plain C++ against the emulator in tests/native/cuda_emulator, so that every
# machine tests them.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64|aarch64|arm64|ARM64)$")
  set(TALUS_EMULATOR ON)
else()
  set(TALUS_EMULATOR OFF)
endif()

# How tests of kernels are built: as they are, and with every access watched. The watching takes the instrumentation of
# ThreadSanitizer, but not its runtime, and does not mix with other sanitizers'.
set(TALUS_EMULATED_VARIANTS emulated)
if(NOT TALUS_SANITIZE)
  list(APPEND TALUS_EMULATED_VARIANTS checked)
endif()

# talus_emulate(target variant): compiles target against the emulator.
function(talus_emulate target variant)
  target_link_libraries(${target} PUBLIC cuda_emulator)
  target_compile_options(${target} PRIVATE -Wno-unknown-pragmas)
  if(variant STREQUAL "checked")
    target_compile_options(${target} PRIVATE -fsanitize=thread)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE -Wno-tsan)
    endif()
    target_link_libraries(${target} PUBLIC $<TARGET_OBJECTS:cuda_emulator_hooks>)
    add_dependencies(${target} cuda_emulator_hooks)
  endif()
endfunction()

# talus_cuda_kernels(target variant): a library of all kernels for CUDA, as plain C++.
function(talus_cuda_kernels target variant)
  file(GLOB sources CONFIGURE_DEPENDS "${talus_SOURCE_DIR}/src/cuda/*.cu")
  set_source_files_properties(${sources} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++")
  add_library(${target} STATIC ${sources})
  talus_cpp_settings(${target})
  talus_emulate(${target} ${variant})
endfunction()

# talus_cuda_library(): talus_cuda, the kernels as TALUS_CUDA wants them.
function(talus_cuda_library)
  if(TALUS_CUDA STREQUAL "EMULATED")
    if(NOT TALUS_EMULATOR)
      message(FATAL_ERROR "TALUS_CUDA=EMULATED: the emulator needs Linux on x86-64 or aarch64")
    endif()
    talus_cuda_kernels(talus_cuda emulated)
  else()
    talus_nvcc_kernels(talus_cuda)
  endif()
endfunction()
