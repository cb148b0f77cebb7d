# A Python can't load a library that has sanitizers in it.
if(TOMBOLA_SANITIZE)
  return()
endif()

# What Python runs: each test by the first Python at hand that has the packages it imports.
# bench/demo.sh makes build/demo, with the language model's packages; build/peers has what Tombola is held against.
set(pythons python3 /usr/bin/python3 ${PROJECT_SOURCE_DIR}/build/demo/bin/python
    ${PROJECT_SOURCE_DIR}/build/peers/bin/python)

# Answers in known_*.txt come from reference_*.py: one more test of each is that they still do. (Those of
# the draw itself, known_answers.txt, take minutes.)
set(numpy_python "")
foreach(python ${pythons})
  execute_process(COMMAND ${python} -c "import numpy" RESULT_VARIABLE lacks_numpy OUTPUT_QUIET ERROR_QUIET)
  if(lacks_numpy EQUAL 0)
    set(numpy_python ${python})
    break()
  endif()
endforeach()
if(numpy_python)
  foreach(subject adaptive candidates entropy mirostat processors report results sequences shares watermark)
    add_test(NAME reference_${subject} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
      COMMAND ${numpy_python} -B reference_${subject}.py --check known_${subject}.txt)
  endforeach()
endif()

# The package's, on the library as built: each file by the first Python for which run.py lists it.
set(package_environment PYTHONPATH=${PROJECT_SOURCE_DIR}/src/python TOMBOLA_LIBRARY=$<TARGET_FILE:tombola>
    CC=${CMAKE_C_COMPILER} MYPY_CACHE_DIR=${CMAKE_CURRENT_BINARY_DIR}/mypy
    OPENBLAS_NUM_THREADS=1)   # threads of a BLAS wait by spinning, which costs tests side by side more than they give
if(TARGET tombola_tool)
  list(APPEND package_environment TOMBOLA_COMMAND=$<TARGET_FILE:tombola_tool>)
endif()
set(runner ${CMAKE_CURRENT_SOURCE_DIR}/python/run.py)
file(GLOB package_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/python/*.py)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${package_files})
foreach(python ${pythons})
  execute_process(COMMAND ${python} -B ${runner} --list
    OUTPUT_VARIABLE files OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  string(REPLACE "\n" ";" files "${files}")
  foreach(file ${files})
    string(REGEX REPLACE "^test_(.*)\\.py$" "python_\\1" name ${file})
    if(NOT TEST ${name})
      add_test(NAME ${name} COMMAND ${python} -B ${runner} ${file})
      set_tests_properties(${name} PROPERTIES ENVIRONMENT "${package_environment}")
    endif()
  endforeach()
endforeach()
if(numpy_python AND NOT TEST python_calls)
  message(FATAL_ERROR "tests/python/run.py --list fails")
endif()

# Scripts of bench/ that need nothing but Python.
foreach(subject compare tune turns)
  add_test(NAME bench_${subject} COMMAND python3 -B ${CMAKE_CURRENT_SOURCE_DIR}/bench_${subject}.py)
endforeach()

# What the demo shows where the language model can't be had.
if(numpy_python)
  add_test(NAME demo_rows
    COMMAND ${numpy_python} -B ${PROJECT_SOURCE_DIR}/bench/demo_rows.py ${PROJECT_SOURCE_DIR}/bench/data)
  set_tests_properties(demo_rows PROPERTIES ENVIRONMENT "${package_environment}"
    PASS_REGULAR_EXPRESSION "the same tokens alone and in 13 batches.*numpy / Tombola")
endif()
