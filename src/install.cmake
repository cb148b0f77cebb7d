# What `cmake --install` puts where: the libraries and headers, the command, and what CMake and pkg-config need
# to find them. Nothing installed knows the prefix, so that it can be moved.
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/tombola)

install(TARGETS tombola tombola_static EXPORT tombola)
install(FILES include/tombola.h include/tombola_cl.h include/tombola_shard.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(TARGET tombola_tool)
  install(TARGETS tombola_tool)
endif()

install(EXPORT tombola NAMESPACE tombola:: FILE tombola-targets.cmake DESTINATION ${package_folder})
# What needs MPI is a component of its own, which machines without MPI leave alone.
if(TARGET tombola_mpi)
  install(TARGETS tombola_mpi tombola_mpi_static EXPORT tombola_mpi)
  install(FILES include/tombola_mpi.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT tombola_mpi NAMESPACE tombola:: FILE tombola-mpi-targets.cmake DESTINATION ${package_folder})
endif()
# Before 1.0 the interface may change with the minor version.
write_basic_package_version_file(tombola-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES src/tombola-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/tombola-config-version.cmake
        DESTINATION ${package_folder})

# An absolute folder stays where it is; any other is told from where tombola.pc lies.
foreach(folder LIBDIR INCLUDEDIR)
  set(pc_${folder} "\${prefix}/${CMAKE_INSTALL_${folder}}")
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${folder}}")
    set(pc_${folder} "${CMAKE_INSTALL_${folder}}")
  endif()
endforeach()
file(RELATIVE_PATH pc_up ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" pc_up "${pc_up}")
# Not every OpenCL loader comes with an OpenCL.pc.
find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND)
  pkg_check_modules(OPENCL_PC QUIET OpenCL)
endif()
if(OPENCL_PC_FOUND)
  set(pc_requires OpenCL)
else()
  set(pc_libs " -lOpenCL")
endif()
set(pc_files tombola)
if(TARGET tombola_mpi)
  # mpi.h is included by tombola_mpi.h, and programs call MPI themselves.
  set(pc_mpi_cflags "")
  foreach(folder ${MPI_C_INCLUDE_DIRS})
    string(APPEND pc_mpi_cflags " -I${folder}")
  endforeach()
  string(REPLACE ";" " " pc_mpi_libs "${MPI_C_LIBRARIES}")
  list(APPEND pc_files tombola_mpi)
endif()
foreach(name ${pc_files})
  configure_file(src/${name}.pc.in ${name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
