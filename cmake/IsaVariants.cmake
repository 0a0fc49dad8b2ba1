# The sources of src/cpu/isa are compiled once for every instruction set of the target machine's architecture, with
# TALUS_ISA_NS naming the namespace. The baseline gets no flags beyond the compiler's default.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(TALUS_ISAS baseline avx2 avx512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
  set(TALUS_ISAS neon)
else()
  set(TALUS_ISAS baseline)
endif()

set(TALUS_ISA_FLAGS_avx2 -mavx2 -mfma)
set(TALUS_ISA_FLAGS_avx512 -mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)

set(TALUS_ISA_OPTIMIZATION $<$<CONFIG:Release,RelWithDebInfo>:-O3>)
if(TALUS_SANITIZE)
  set(TALUS_ISA_OPTIMIZATION "")
endif()

# talus_isa_variants(target sources...): adds one object library per instruction set and puts them into target.
function(talus_isa_variants target)
  foreach(isa IN LISTS TALUS_ISAS)
    set(variant talus_isa_${isa})
    add_library(${variant} OBJECT ${ARGN})
    talus_cpp_settings(${variant})
    target_compile_definitions(${variant} PRIVATE TALUS_ISA_NS=${isa})
    if(TALUS_SANITIZE)
      target_compile_definitions(${variant} PRIVATE TALUS_LOW_TILES)
    endif()
    # Speculated arithmetic and square roots without errno are what lets the loops vectorise; results stay IEEE.
    target_compile_options(${variant} PRIVATE
      ${TALUS_ISA_FLAGS_${isa}} ${TALUS_ISA_OPTIMIZATION} -ffp-contract=fast -fno-trapping-math
      -Wno-psabi)
    if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
      # A pragma there allows vectorisation; loops that call the C library cannot have it.
      target_compile_options(${variant} PRIVATE -Wno-pass-failed)
    endif()
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${variant}>)
  endforeach()
endfunction()
