# Tests of what works over MPI: each is one program on eight ranks, in teams of 1 to 8. A rank that fails ends them all.
if(NOT MPI_C_FOUND)
  return()
endif()
file(GLOB mpi_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/test_mpi*.c)
leave_those_to_build(mpi_tests)

add_library(mpi_helpers STATIC EXCLUDE_FROM_ALL mpi_world.c)
target_link_libraries(mpi_helpers PUBLIC test_helpers tombola_mpi)
foreach(source ${mpi_tests})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  if(name STREQUAL "test_mpi_parts")   # what the library hides, and no rank is needed for
    target_link_libraries(${name} PRIVATE test_helpers)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src/mpi)
    foreach(part mpi/part columns error sized)
      target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src/${part}.c)
    endforeach()
    add_test(NAME ${name} COMMAND ${name})
    continue()
  endif()
  target_link_libraries(${name} PRIVATE mpi_helpers)
  if(name STREQUAL "test_mpi_failures")
    # Both libraries' own sources, whose calls end in faults*.c and in mpi_faults.c.
    let_calls_fail(${name})
    target_sources(${name} PRIVATE mpi_calls.c mpi_faults.c mpi_mistakes.c
                   $<FILTER:$<TARGET_OBJECTS:tombola_mpi_objects>,INCLUDE,src/mpi/>)
  endif()
  add_test(NAME ${name} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/mpirun.sh 8 $<TARGET_FILE:${name}>)
  # Ranks have one thread of PoCL's each. Whose leaks are whose (leaks.supp) is to be seen by frames that Open MPI's
  # libraries, which have no frame pointers, lack.
  set(environment POCL_MAX_PTHREAD_COUNT=1)
  if(TOMBOLA_SANITIZE)
    list(APPEND environment ASAN_OPTIONS=intercept_tls_get_addr=0:fast_unwind_on_malloc=0)
  endif()
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${environment}" PROCESSORS 2 COST 40 DEPENDS "${compilations}")
endforeach()
