# TALUS_SANITIZE: a list for -fsanitize ("address,undefined" or "thread"), applied to every target. A finding ends the
# program, so that a test cannot pass over it.
set(TALUS_SANITIZE "" CACHE STRING "Sanitizers to build with: empty, address,undefined or thread")

if(TALUS_SANITIZE)
  if(NOT TALUS_SANITIZE MATCHES "^(address|undefined|address,undefined|thread)$")
    message(FATAL_ERROR "TALUS_SANITIZE is '${TALUS_SANITIZE}', expected address,undefined or thread")
  endif()
  # -Og compiles in half the time of -O1 and a quarter of more, and the tests are quick enough with it.
  set(flags -Og -g1 -fsanitize=${TALUS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_compile_options(${flags})
  add_link_options(${flags})
endif()
