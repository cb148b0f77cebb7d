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
configure_file(src/tombola.pc.in tombola.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tombola.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
