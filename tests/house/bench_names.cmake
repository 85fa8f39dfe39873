# Every benchmark of PROGRAM is named <subject>/<contestant>/<letter>:<number>/...

cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND "${PROGRAM}" --benchmark_list_tests RESULT_VARIABLE status OUTPUT_VARIABLE names)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} --benchmark_list_tests ended with ${status}")
endif()
string(REGEX MATCHALL "[^\n]+" names "${names}")
foreach(name IN LISTS names)
  if(NOT name MATCHES "^[a-z0-9_]+/[a-z0-9_]+(/[A-Za-z_]+:[A-Za-z0-9_.]+)*(/(real_time|process_time|manual_time|iterations:[0-9]+|repeats:[0-9]+|threads:[0-9]+))*$")
    message(SEND_ERROR "benchmark \"${name}\" is not named <subject>/<contestant>/d:<d>/...")
  endif()
endforeach()
