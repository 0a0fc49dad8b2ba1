# Sets TALUS_NVCC to nvcc, where there is one, and TALUS_NVCC_HELP to what to say where there is none. For scripts, too.

# Installers of the toolkit do not all put nvcc on the PATH.
file(GLOB toolkits /usr/local/cuda-*/bin)
list(SORT toolkits COMPARE NATURAL ORDER DESCENDING)
find_program(TALUS_NVCC nvcc HINTS ENV CUDA_PATH ENV CUDA_HOME PATH_SUFFIXES bin
  PATHS /usr/local/cuda/bin ${toolkits})

string(CONCAT TALUS_NVCC_HELP
  "nvcc 12 or newer was not found on the PATH, in /usr/local/cuda*/bin or by CUDA_PATH. Install the CUDA toolkit:\n"
  "  Debian, Ubuntu:  add NVIDIA's repository (https://developer.nvidia.com/cuda-downloads), then\n"
  "                   sudo apt-get install -y cuda-nvcc-13-0 cuda-cudart-dev-13-0\n"
  "or name an nvcc that is elsewhere: -DCMAKE_CUDA_COMPILER=/path/to/nvcc, or the environment's CUDACXX.")
