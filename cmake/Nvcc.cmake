# Kernels compiled by nvcc.
include(CheckLanguage)

include(NvccSearch)
mark_as_advanced(TALUS_NVCC)
if(TALUS_NVCC AND NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  set(CMAKE_CUDA_COMPILER "${TALUS_NVCC}")
endif()

# Every generation from Turing on has its own code; newer ones translate the newest one's.
if(NOT CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
  set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90 CACHE STRING "GPU architectures to compile for")
endif()

check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  message(FATAL_ERROR
    "TALUS_CUDA=ON: ${TALUS_NVCC_HELP}\n"
    "Where there is one, it does not work with this C++ compiler; CMakeFiles/CMakeError.log has its words.")
endif()
enable_language(CUDA)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12)
  message(FATAL_ERROR "TALUS_CUDA=ON needs nvcc 12 or newer; ${CMAKE_CUDA_COMPILER} is ${CMAKE_CUDA_COMPILER_VERSION}")
endif()
find_package(CUDAToolkit REQUIRED)

# What every library that nvcc compiles is compiled with.
function(talus_nvcc_settings target)
  set_target_properties(${target} PROPERTIES
    CUDA_STANDARD 17 CUDA_STANDARD_REQUIRED ON CUDA_EXTENSIONS OFF CUDA_RUNTIME_LIBRARY Static
    CUDA_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} PRIVATE "${talus_SOURCE_DIR}/include" "${talus_SOURCE_DIR}/src")
  target_compile_options(${target} PRIVATE -expt-relaxed-constexpr -Xcompiler=-Wall,-Wextra)
  if(TALUS_WERROR)
    target_compile_options(${target} PRIVATE --Werror all-warnings -Xcompiler=-Werror)
  endif()
  # The runtime is part of the library, which then needs no more than the driver.
  target_link_libraries(${target} PUBLIC CUDA::cudart_static)
endfunction()

# talus_nvcc_kernels(target): a library of all kernels for the architectures of CMAKE_CUDA_ARCHITECTURES.
function(talus_nvcc_kernels target)
  file(GLOB sources CONFIGURE_DEPENDS "${talus_SOURCE_DIR}/src/cuda/*.cu")
  add_library(${target} STATIC ${sources})
  talus_nvcc_settings(${target})
endfunction()
