# talus_warnings(target): the project's warnings, as errors, on one target.
function(talus_warnings target)
  if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    target_compile_options(${target} PRIVATE
      -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wunused -Wnull-dereference
      -Wvla -Wextra-semi $<$<BOOL:${TALUS_WERROR}>:-Werror>)
  endif()
  # Inlining across sanitizer checks makes these two report paths that cannot happen.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND TALUS_SANITIZE)
    target_compile_options(${target} PRIVATE -Wno-null-dereference -Wno-maybe-uninitialized)
  endif()
endfunction()
