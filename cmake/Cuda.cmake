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
  target_link_libraries(${target} PRIVATE cuda_emulator)
  if(variant STREQUAL "checked")
    target_compile_options(${target} PRIVATE -fsanitize=thread)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE -Wno-tsan)
    endif()
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:cuda_emulator_hooks>)
  endif()
endfunction()
