# Programs like those of the library's users: the README's example, one in C++, and both headers from where they
# are installed.

# readme_block NUMBER FILE: writes that block of C in the README, from 0 on, warnings and all.
set(readme ${PROJECT_SOURCE_DIR}/README.md)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${readme})
function(readme_block number output)
  file(READ ${readme} text)
  foreach(i RANGE ${number})
    string(FIND "${text}" "```c\n" start)
    if(start EQUAL -1)
      message(FATAL_ERROR "README.md has too few blocks of C")
    endif()
    math(EXPR start "${start} + 5")
    string(SUBSTRING "${text}" ${start} -1 text)
  endforeach()
  string(FIND "${text}" "\n```" end)
  string(SUBSTRING "${text}" 0 ${end} text)
  file(CONFIGURE OUTPUT ${output} CONTENT "${text}\n" @ONLY)   # leaves the file alone if it has not changed
endfunction()

set(example ${CMAKE_CURRENT_BINARY_DIR}/readme_example.c)
readme_block(0 ${example})
add_executable(readme_example ${example})
target_link_libraries(readme_example PRIVATE tombola)
add_test(NAME readme_example COMMAND readme_example)
set_tests_properties(readme_example PROPERTIES PASS_REGULAR_EXPRESSION "tokens 1 and [0-3]\n")
if(TARGET tombola_mpi AND NOT TOMBOLA_SANITIZE)   # Open MPI leaks
  readme_block(1 ${CMAKE_CURRENT_BINARY_DIR}/readme_ranks.c)
  add_executable(readme_ranks ${CMAKE_CURRENT_BINARY_DIR}/readme_ranks.c)
  target_link_libraries(readme_ranks PRIVATE tombola_mpi)
  add_test(NAME readme_ranks COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/mpirun.sh 2 $<TARGET_FILE:readme_ranks>)
  set_tests_properties(readme_ranks PROPERTIES PASS_REGULAR_EXPRESSION "token 700\n.*token 700\n"
                       ENVIRONMENT POCL_MAX_PTHREAD_COUNT=1)
endif()

include(CheckLanguage)
check_language(CXX)
if(CMAKE_CXX_COMPILER)
  enable_language(CXX)
  add_executable(test_header_cxx test_header.cc)
  target_compile_features(test_header_cxx PRIVATE cxx_std_11)
  target_link_libraries(test_header_cxx PRIVATE tombola)
  add_test(NAME test_header_cxx COMMAND test_header_cxx)
endif()

# What a library offers: its users' names and no other. Objects with sanitizers in them have more.
if(NOT TOMBOLA_SANITIZE)
  set(consumer ${CMAKE_CURRENT_SOURCE_DIR}/consumer)
  file(GLOB tombola_headers ${PROJECT_SOURCE_DIR}/include/*.h)
  set(tombola_mpi_headers ${PROJECT_SOURCE_DIR}/include/tombola_mpi.h)
  list(REMOVE_ITEM tombola_headers ${tombola_mpi_headers})
  foreach(library tombola tombola_mpi)
    foreach(kind ${library} ${library}_static)
      if(TARGET ${kind} AND (kind STREQUAL library OR TOMBOLA_ARCHIVES_HIDE))
        add_test(NAME exports_of_${kind} COMMAND ${consumer}/exports.sh $<TARGET_FILE:${kind}> ${${library}_headers})
      endif()
    endforeach()
  endforeach()

  # Installed, and built with, in each way that users have.
  foreach(way cmake pkg-config subdirectory)
    add_test(NAME consumer_${way}
             COMMAND ${consumer}/run.sh ${way} ${PROJECT_BINARY_DIR} ${CMAKE_CURRENT_BINARY_DIR}/consumer-${way} ${example})
    set_tests_properties(consumer_${way} PROPERTIES ENVIRONMENT CC=${CMAKE_C_COMPILER})
  endforeach()
endif()
