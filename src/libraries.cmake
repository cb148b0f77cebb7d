# Whether there is what it takes to make names that are hidden local in archives.
set(TOMBOLA_ARCHIVES_HIDE OFF)
if(CMAKE_OBJCOPY AND NOT CMAKE_INTERPROCEDURAL_OPTIMIZATION AND NOT CMAKE_C_FLAGS MATCHES "-flto")
  set(TOMBOLA_ARCHIVES_HIDE ON)
endif()

# add_libraries(NAME): the libraries NAME, which is shared, and NAME_static, of the objects of NAME_objects.
function(add_libraries name)
  # Hidden names would be as global as any in an archive, and `fail` or `siphash` clash with its users' own. So it
  # holds one object, in which what is hidden has become local.
  set(objects $<TARGET_OBJECTS:${name}_objects>)
  set(static_objects ${objects})
  if(TOMBOLA_ARCHIVES_HIDE)
    separate_arguments(c_flags NATIVE_COMMAND "${CMAKE_C_FLAGS}")
    set(static_objects ${CMAKE_CURRENT_BINARY_DIR}/${name}.o)
    add_custom_command(
      OUTPUT ${static_objects}
      COMMAND ${CMAKE_C_COMPILER} ${c_flags} -r -nostdlib -o ${static_objects} ${objects}
      COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${static_objects}
      DEPENDS ${name}_objects ${objects}
      COMMAND_EXPAND_LISTS
      VERBATIM)
  endif()

  add_library(${name} SHARED ${objects})
  add_library(${name}_static STATIC ${static_objects})
  foreach(library ${name} ${name}_static)
    set_target_properties(${library} PROPERTIES OUTPUT_NAME ${name} LINKER_LANGUAGE C)
    target_include_directories(${library} PUBLIC
      $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    add_library(tombola::${library} ALIAS ${library})
  endforeach()
  set_target_properties(${name} PROPERTIES VERSION ${PROJECT_VERSION}
                        SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
endfunction()
