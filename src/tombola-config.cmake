# find_package(tombola) gives tombola::tombola, the shared library, and tombola::tombola_static.
include(CMakeFindDependencyMacro)
find_dependency(OpenCL)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/tombola-targets.cmake)
