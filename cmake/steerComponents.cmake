# Opt-in parts of steer: headers that need a library of their own field. This file is read by steer's own build and,
# installed, by find_package(steer COMPONENTS ...), so that both know the same components.
#
# For each component:
#   STEER_<component>_PACKAGE   what find_package looks for
#   STEER_<component>_TARGET    the imported target that it must bring
#   STEER_<component>_LIBRARY   of what has no CMake package: the library to look for, and
#   STEER_<component>_HEADER    a header of it. The target is made of both; the package's name is for messages only
#   STEER_<component>_SOURCE    where to have it from
#   STEER_<component>_HEADERS   the headers, below include/steer, that only this component may use
#   STEER_<component>_INCLUDES  what those headers include of it: a header's name or the start of one

set(STEER_COMPONENTS safetensors signatures llama_cpp)

set(STEER_safetensors_PACKAGE  nlohmann_json)
set(STEER_safetensors_TARGET   nlohmann_json::nlohmann_json)
set(STEER_safetensors_SOURCE   "Debian: nlohmann-json3-dev")
set(STEER_safetensors_HEADERS  guard/policy_file.hpp io/interference_json.hpp io/json_fields.hpp io/json_number.hpp io/preset_file.hpp
                               io/recipe_file.hpp io/response_file.hpp io/safetensors.hpp io/steering_vector_file.hpp io/svec.hpp
                               serve/audit_trail.hpp serve/preset_library.hpp)
set(STEER_safetensors_INCLUDES nlohmann/)

set(STEER_signatures_PACKAGE  libsodium)
set(STEER_signatures_TARGET   steer::libsodium)
set(STEER_signatures_LIBRARY  sodium)
set(STEER_signatures_HEADER   sodium.h)
set(STEER_signatures_SOURCE   "Debian: libsodium-dev")
set(STEER_signatures_HEADERS  guard/signature.hpp guard/signed_file.hpp)
set(STEER_signatures_INCLUDES sodium.h)

# The headers of adapter/llama_cpp/ that are not named here need nothing.
set(STEER_llama_cpp_PACKAGE  llama)
set(STEER_llama_cpp_TARGET   llama)
set(STEER_llama_cpp_SOURCE   "PyPI: llama-cpp-python built from source, its folder in CMAKE_PREFIX_PATH; or llama.cpp's own install")
set(STEER_llama_cpp_HEADERS  adapter/llama_cpp.hpp adapter/llama_cpp/batch_rows.hpp adapter/llama_cpp/cached_sequences.hpp
                             adapter/llama_cpp/graph_watcher.hpp adapter/llama_cpp/probe_model.hpp adapter/llama_cpp/text.hpp
                             adapter/llama_cpp/token_batch.hpp)
set(STEER_llama_cpp_INCLUDES llama.h ggml)

# steer_component_of(<name below include/steer> <component>): the component that a header or its bodies belong to, or nothing.
function(steer_component_of name component)
  string(REGEX REPLACE "\\.ipp$" ".hpp" name "${name}")
  set(${component} "" PARENT_SCOPE)
  foreach(one IN LISTS STEER_COMPONENTS)
    if(name IN_LIST STEER_${one}_HEADERS)
      set(${component} "${one}" PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# Makes the imported target of a component whose library has no CMake package; nothing where it is not installed, or where
# CMAKE_DISABLE_FIND_PACKAGE_<package> says so, as for any package.
function(steer_find_library component)
  if(CMAKE_DISABLE_FIND_PACKAGE_${STEER_${component}_PACKAGE})
    return()
  endif()
  set(library STEER_${component}_LIBRARY_FILE)
  set(folder STEER_${component}_INCLUDE_DIR)
  find_library(${library} NAMES ${STEER_${component}_LIBRARY} DOC "The library of steer::${component}")
  find_path(${folder} NAMES ${STEER_${component}_HEADER} DOC "Where ${STEER_${component}_HEADER} is, for steer::${component}")
  mark_as_advanced(${library} ${folder})
  if(${library} AND ${folder})
    add_library(${STEER_${component}_TARGET} UNKNOWN IMPORTED GLOBAL)
    set_target_properties(${STEER_${component}_TARGET} PROPERTIES
      IMPORTED_LOCATION "${${library}}" INTERFACE_INCLUDE_DIRECTORIES "${${folder}}")
  endif()
endfunction()

# Creates steer::<component>, or says in <missing> why it cannot; <missing> is empty on success.
macro(steer_provide_component component missing)
  set(${missing} "")
  if(NOT TARGET steer::${component})
    if(NOT TARGET ${STEER_${component}_TARGET} AND STEER_${component}_LIBRARY)
      steer_find_library(${component})
    elseif(NOT TARGET ${STEER_${component}_TARGET})
      find_package(${STEER_${component}_PACKAGE} CONFIG QUIET)
    endif()
    if(TARGET ${STEER_${component}_TARGET})
      add_library(steer::${component} INTERFACE IMPORTED GLOBAL)
      set_target_properties(steer::${component} PROPERTIES IMPORTED_NO_SYSTEM ON)  # our own headers keep their warnings
      target_link_libraries(steer::${component} INTERFACE steer::steer ${STEER_${component}_TARGET})
    else()
      set(${missing} "${STEER_${component}_PACKAGE} was not found (${STEER_${component}_SOURCE})")
    endif()
  endif()
endmacro()
