# Each fault must end PROGRAM with the report of the sanitizer that finds it. SANITIZERS, separated by commas, are those
# that the build's flags were meant to switch on.

cmake_minimum_required(VERSION 3.25)

set(address_fault   "heap")
set(address_report  "AddressSanitizer: heap-buffer-overflow")
set(undefined_fault  "overflow")
set(undefined_report "runtime error: signed integer overflow")
set(thread_fault    "race")
set(thread_report   "ThreadSanitizer: data race")

string(REPLACE "," ";" sanitizers "${SANITIZERS}")
foreach(sanitizer IN LISTS sanitizers)
  if(NOT DEFINED ${sanitizer}_fault)
    message(FATAL_ERROR "no fault is known for sanitizer \"${sanitizer}\"")
  endif()
  execute_process(COMMAND "${PROGRAM}" ${${sanitizer}_fault} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(status EQUAL 0)
    message(SEND_ERROR "${sanitizer}: the program with fault \"${${sanitizer}_fault}\" ended well: the sanitizer is off\n${said}")
  elseif(NOT said MATCHES "${${sanitizer}_report}")
    message(SEND_ERROR "${sanitizer}: no \"${${sanitizer}_report}\" in its report\n${said}")
  endif()
endforeach()

execute_process(COMMAND "${PROGRAM}" none RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(NOT status EQUAL 0)
  message(SEND_ERROR "the program without a fault ended with ${status}\n${said}")
endif()
