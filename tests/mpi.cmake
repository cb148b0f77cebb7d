# Tests of what works over MPI: each is one program on eight ranks, in teams of 1 to 8. A rank that fails ends them all.
if(NOT MPI_C_FOUND)
  return()
endif()
add_library(mpi_helpers STATIC mpi_world.c)
target_link_libraries(mpi_helpers PUBLIC test_helpers tombola_mpi)
foreach(name test_mpi test_mpi_failures)
  add_executable(${name} ${name}.c)
  target_link_libraries(${name} PRIVATE mpi_helpers)
  add_test(NAME ${name} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/mpirun.sh 8 $<TARGET_FILE:${name}>)
  # ranks have one thread of PoCL's each
  set_tests_properties(${name} PROPERTIES ENVIRONMENT POCL_MAX_PTHREAD_COUNT=1 PROCESSORS 2)
endforeach()
# Both libraries' own sources, whose calls end in faults*.c and in mpi_faults.c.
let_calls_fail(test_mpi_failures)
file(GLOB mpi_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/mpi/*.c)
target_sources(test_mpi_failures PRIVATE mpi_calls.c mpi_faults.c mpi_mistakes.c ${mpi_sources})
