# Compiles each SNIPPETS/*.cpp. Its first lines say what must happen:
#   // expect: REGEX    it must fail, and the compiler's message must match; several such lines must all match
#   // control          it must compile: the same uses, done right
#   // options: ...    after those that a unit is compiled with
# so a snippet fails for its own reason and not for a missing file or option.

cmake_minimum_required(VERSION 3.25)

set(ENV{LC_ALL} C)
file(GLOB snippets "${SNIPPETS}/*.cpp")
if(NOT "${SNIPPETS}/control.cpp" IN_LIST snippets)
  message(SEND_ERROR "${SNIPPETS} has no control.cpp")
endif()
foreach(snippet IN LISTS snippets)
  cmake_path(GET snippet FILENAME name)
  file(STRINGS "${snippet}" expectations REGEX "^// (expect: .+|control)$")
  file(STRINGS "${snippet}" more REGEX "^// options: .+$")
  string(REPLACE "// options: " "" more "${more}")
  separate_arguments(more UNIX_COMMAND "${more}")
  execute_process(COMMAND "${COMPILER}" "${OPTIONS}" ${more} "${snippet}"
                  RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(expectations STREQUAL "// control")
    if(NOT status EQUAL 0)
      message(SEND_ERROR "${name}: must compile with the same options and does not\n${said}")
    endif()
  elseif(NOT expectations)
    message(SEND_ERROR "${name}: has no \"// expect: REGEX\" line")
  elseif(status EQUAL 0)
    message(SEND_ERROR "${name}: compiles and must not")
  else()
    foreach(expectation IN LISTS expectations)
      string(REPLACE "// expect: " "" expectation "${expectation}")
      if(NOT said MATCHES "${expectation}")
        message(SEND_ERROR "${name}: fails as it must, but not with \"${expectation}\"\n${said}")
      endif()
    endforeach()
  endif()
endforeach()
list(LENGTH snippets count)
message(STATUS "${count} snippets")
