# Everything there is to know about the CUDA kernels on this machine's GPU, by one command:
#
#   cmake [-DOPTION=VALUE...] -P tests/bench/gpu.cmake
#
# It needs Linux, CMake, a C++ compiler, nvcc and the driver; no JVM. It builds the kernels for the GPUs it finds, runs
# every CUDA test against the reference, runs the tests again under compute-sanitizer (memcheck and racecheck) where that
# is installed, and prints the benchmark's table, with cuBLAS and PyTorch beside it where they are. It fails if a test
# failed or was skipped, or if there is no GPU; test_cuda_cublas may be skipped where there is no cuBLAS.
#
#   ARCHITECTURES         GPU architectures to compile for, as 90; by default those of the GPUs found
#   BUILD                 folder for the build; by default native/build/gpu (or gpu-emulated)
#   BUILT=ON              take what lies in BUILD as it is
#   CMAKE_CUDA_COMPILER   nvcc, where it is not found
#   TESTS                 only the tests whose names match this expression; OFF: only the benchmark
#   SANITIZER             compute-sanitizer, where it is not found; OFF leaves it out
#   ROWS                  names of rows or families, separated by ";": only these in the table
#   CUBLAS                libcublas.so, where neither the loader nor the toolkit has it
#   PYTHON                the python3 that has torch; OFF leaves PyTorch out
#   EMULATED=ON           the same steps in small on the emulator: tries this command where there is no GPU
cmake_minimum_required(VERSION 3.20)

get_filename_component(root "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
if(NOT DEFINED TESTS)
  set(TESTS ON)
endif()
if(NOT DEFINED SANITIZER)
  set(SANITIZER ON)
endif()
if(NOT BUILD AND EMULATED)
  set(BUILD "${root}/native/build/gpu-emulated")
elseif(NOT BUILD)
  set(BUILD "${root}/native/build/gpu")
endif()
get_filename_component(BUILD "${BUILD}" ABSOLUTE)
set(problems "")
set(summary "")

# ---------------------------------------------------------------------------------------------------- what is needed
# Sets CMAKE_CUDA_COMPILER, tools_folder and ARCHITECTURES, or stops before anything is built and names all that is missing.
macro(find_tools)
  set(missing "")
  include("${root}/cmake/NvccSearch.cmake")
  if(NOT CMAKE_CUDA_COMPILER AND DEFINED ENV{CUDACXX})
    set(CMAKE_CUDA_COMPILER "$ENV{CUDACXX}")
  elseif(NOT CMAKE_CUDA_COMPILER AND TALUS_NVCC)
    set(CMAKE_CUDA_COMPILER "${TALUS_NVCC}")
  endif()
  if(NOT CMAKE_CUDA_COMPILER AND NOT BUILT)
    string(APPEND missing "no nvcc: ${TALUS_NVCC_HELP}\n")
  endif()
  # A link leads to the toolkit, where compute-sanitizer and cuBLAS are.
  get_filename_component(tools_folder "${CMAKE_CUDA_COMPILER}" REALPATH)
  get_filename_component(tools_folder "${tools_folder}" DIRECTORY)

  find_program(nvidia_smi nvidia-smi PATHS /usr/lib/wsl/lib)
  set(says "nvidia-smi was not found")
  set(capabilities "")
  if(nvidia_smi)
    execute_process(COMMAND "${nvidia_smi}" --query-gpu=compute_cap --format=csv,noheader
      OUTPUT_VARIABLE says ERROR_VARIABLE says RESULT_VARIABLE result OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(result EQUAL 0)
      string(REGEX MATCHALL "[0-9]+\\.[0-9]+" capabilities "${says}")
      list(REMOVE_DUPLICATES capabilities)
    endif()
    set(says "nvidia-smi says: ${says}")
  endif()
  if(NOT capabilities AND NOT EXISTS /dev/nvidiactl AND NOT EXISTS /dev/dxg AND NOT EXISTS /dev/nvmap)
    string(APPEND missing "no NVIDIA driver or no GPU: there is no device /dev/nvidiactl, and ${says}\n"
      "  Debian, Ubuntu:  add NVIDIA's repository (https://developer.nvidia.com/cuda-downloads), then\n"
      "                   sudo apt-get install -y cuda-drivers, and restart\n"
      "  in a container:  start it with the GPU, as in docker run --gpus all\n")
  endif()
  if(missing)
    message(FATAL_ERROR "${missing}-DEMULATED=ON tries this command without a GPU.")
  endif()
  if(NOT ARCHITECTURES AND capabilities)
    string(REPLACE "." "" ARCHITECTURES "${capabilities}")
  elseif(NOT ARCHITECTURES)
    set(ARCHITECTURES native)
  endif()
endmacro()

# -------------------------------------------------------------------------------------------------------------- build
# run(what command...): stops everything if the command fails.
function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${what} failed (${result}); see above")
  endif()
endfunction()

if(EMULATED)
  set(configure_options -DTALUS_CUDA=OFF)
  set(suffix _emulated)
  set(select -R "_cuda.*_emulated$")
else()
  find_tools()
  set(configure_options -DTALUS_CUDA=ON "-DCMAKE_CUDA_ARCHITECTURES=${ARCHITECTURES}"
    "-DCMAKE_CUDA_COMPILER=${CMAKE_CUDA_COMPILER}")
  set(suffix "")
  set(select -R "(_cuda$|_cuda_)" -E "_(emulated|checked)$")
endif()
set(benchmark bench_cuda${suffix})
if(NOT BUILT)
  cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
  run("configuring" "${CMAKE_COMMAND}" -S "${root}/native" -B "${BUILD}" -DCMAKE_BUILD_TYPE=Release ${configure_options})
  run("building" "${CMAKE_COMMAND}" --build "${BUILD}" --config Release --parallel ${cores}
    --target cuda_tests${suffix} ${benchmark})
endif()

# The tests' names, and their programs in variables of these names.
get_filename_component(tools "${CMAKE_COMMAND}" DIRECTORY)
find_program(ctest ctest HINTS "${tools}" REQUIRED)
set(names "")
# Folder by folder, because ctest writes its logs into the one it is given, and may itself be running this in BUILD.
foreach(folder tests bench_cuda)
  execute_process(COMMAND "${ctest}" --test-dir "${BUILD}/${folder}" -C Release ${select} --show-only=json-v1
    OUTPUT_VARIABLE listing RESULT_VARIABLE result ERROR_VARIABLE output)
  string(JSON count ERROR_VARIABLE error LENGTH "${listing}" tests)
  if(NOT result EQUAL 0 OR error OR count EQUAL 0)
    message(FATAL_ERROR "ctest lists no CUDA tests in ${BUILD}/${folder}: delete ${BUILD} and try again, without BUILT\n${output}")
  endif()
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    string(JSON name GET "${listing}" tests ${i} name)
    string(JSON program_${name} ERROR_VARIABLE error GET "${listing}" tests ${i} command 0)
    if(TESTS STREQUAL "ON" OR (TESTS AND name MATCHES "${TESTS}"))
      list(APPEND names ${name})
    endif()
  endforeach()
endforeach()
foreach(name IN LISTS names ITEMS ${benchmark})
  if(NOT EXISTS "${program_${name}}")
    message(FATAL_ERROR "${name} is not built in ${BUILD}; build it, or leave BUILT out")
  endif()
endforeach()
if(TESTS AND NOT names)
  message(FATAL_ERROR "TESTS=${TESTS} matches the name of no test")
endif()

# -------------------------------------------------------------------------------------------------------------- tests
if(NOT CUBLAS AND NOT EMULATED)
  file(GLOB found "${tools_folder}/../lib64/libcublas.so*" /usr/local/cuda/lib64/libcublas.so*)
  if(found)
    list(GET found 0 CUBLAS)
  endif()
endif()
if(CUBLAS)
  set(ENV{TALUS_TEST_CUBLAS} "${CUBLAS}")
endif()

# check(what seconds command...): runs every test's program, behind a command if one is given.
function(check what seconds)
  set(bad "")
  set(skipped "")
  foreach(name IN LISTS names)
    set(arguments "")
    if(name STREQUAL benchmark)
      set(arguments --check)
    endif()
    execute_process(COMMAND ${ARGN} "${program_${name}}" ${arguments} TIMEOUT ${seconds}
      OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE result)
    if(result EQUAL 0)
      message(STATUS "${what}: ${name} passed")
    elseif(result EQUAL 77 AND output MATCHES "skipped: no cuBLAS")
      message(STATUS "${what}: ${name} ${output}")
      set(skipped ", ${name} NOT RUN, there is no cuBLAS (-DCUBLAS=/path/to/libcublas.so)")
    else()
      # 77: no device. Nothing was tested, so this is no success.
      message("${output}")
      message(STATUS "${what}: ${name} FAILED (${result})")
      list(APPEND bad ${name})
    endif()
  endforeach()
  list(LENGTH names count)
  list(LENGTH bad failures)
  set(summary ${summary} "${what}: ${failures} of ${count} programs failed${skipped}" PARENT_SCOPE)
  if(bad)
    string(REPLACE ";" ", " bad "${bad}")
    set(problems ${problems} "${what} failed in ${bad} (their output is above)" PARENT_SCOPE)
  endif()
endfunction()

# No element of summary and problems holds a semicolon, as they are lists.
if(TESTS)
  check("tests against the reference" 600)
  set(found "")
  if(NOT SANITIZER STREQUAL "ON")
    set(found "${SANITIZER}")
  elseif(NOT EMULATED)
    find_program(found_sanitizer compute-sanitizer HINTS "${tools_folder}" ENV CUDA_PATH ENV CUDA_HOME PATH_SUFFIXES bin
      PATHS /usr/local/cuda/bin /usr/local/cuda/compute-sanitizer)
    set(found "${found_sanitizer}")
  endif()
  if(problems)
    list(APPEND summary "memcheck and racecheck: NOT RUN, because tests failed before")
  elseif(found)
    # Some tests make the runtime refuse a call, and check that it did: that is no finding.
    check(memcheck 3600 "${found}" --tool memcheck --report-api-errors no --error-exitcode 99)
    # What it would watch there is cuBLAS's.
    list(REMOVE_ITEM names test_cuda_cublas)
    check(racecheck 3600 "${found}" --tool racecheck --error-exitcode 99)
  elseif(NOT SANITIZER)
    list(APPEND summary "memcheck and racecheck: NOT RUN (SANITIZER=${SANITIZER})")
  elseif(EMULATED)
    list(APPEND summary "memcheck and racecheck: NOT RUN, compute-sanitizer needs a GPU (the tests *_checked do the like)")
  else()
    string(CONCAT line "memcheck and racecheck: NOT RUN, compute-sanitizer was not found (Debian, Ubuntu: "
      "sudo apt-get install -y cuda-sanitizer-13-0, or -DSANITIZER=/path/to/compute-sanitizer)")
    list(APPEND summary "${line}")
  endif()
endif()

# -------------------------------------------------------------------------------------------------------------- table
# times_of_pytorch(): writes torch_times.csv, which holds times or, behind "#", why there are none.
function(times_of_pytorch)
  set(times "${BUILD}/torch_times.csv")
  if(NOT PYTHON)
    file(WRITE "${times}" "# left out, or python3 was not found; -DPYTHON=/path/to/python3 names it\n")
    return()
  endif()
  set(options "")
  if(EMULATED)
    set(options --cpu)
  endif()
  file(WRITE "${times}" "")
  execute_process(COMMAND "${program_${benchmark}}" --list ${arguments} ${ROWS} OUTPUT_FILE "${BUILD}/torch_works.txt")
  execute_process(COMMAND "${PYTHON}" "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/cuda/torch_cases.py" "${BUILD}/torch_works.txt"
    "${times}" ${options} ERROR_VARIABLE output RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    # A rival that fails is a "-" in the table and a line above it, not the end.
    string(REGEX REPLACE "\n.*\n" " ... " output "${output}")
    file(APPEND "${times}" "# torch_cases.py failed (${result}) ${output}\n")
  endif()
endfunction()

if(NOT problems)
  set(arguments "")
  if(EMULATED)
    list(APPEND arguments --small)
  endif()
  if(CUBLAS)
    list(APPEND arguments --cublas "${CUBLAS}")
  endif()
  if(NOT DEFINED PYTHON)
    find_program(PYTHON python3)
  endif()
  times_of_pytorch()
  execute_process(COMMAND "${program_${benchmark}}" ${arguments} --torch "${BUILD}/torch_times.csv" ${ROWS}
    RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    list(APPEND problems "the benchmark failed (${result}), see above")
  endif()
endif()

message("")
foreach(line IN LISTS summary)
  message("${line}")
endforeach()
if(problems)
  string(REPLACE ";" "\n  " problems "${problems}")
  message(FATAL_ERROR "${problems}")
endif()
