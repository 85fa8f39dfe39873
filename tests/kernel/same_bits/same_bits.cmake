# Runs PROGRAMS (with commas between) and compares what they print.

cmake_minimum_required(VERSION 3.25)

string(REPLACE "," ";" programs "${PROGRAMS}")
foreach(program IN LISTS programs)
  execute_process(COMMAND "${program}" RESULT_VARIABLE status OUTPUT_VARIABLE printed)
  if(NOT status EQUAL 0 OR printed STREQUAL "")
    message(FATAL_ERROR "${program} ended with ${status}\n${printed}")
  endif()
  if(NOT DEFINED expected)
    set(first "${program}")
    set(expected "${printed}")
  elseif(NOT printed STREQUAL expected)
    message(FATAL_ERROR "not the same bits\n${first}:\n${expected}\n${program}:\n${printed}")
  endif()
endforeach()
message("${printed}")
