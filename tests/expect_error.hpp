// tests/expect_error.hpp: the refusals are tested by type and by message.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "steer/core/error.hpp"

/// Runs `act` and expects an Error whose message contains every part.
template <class Error, class Act, class... Parts>
void expect_error(Act&& act, const Parts&... parts) {
  try {
    std::forward<Act>(act)();
  } catch (const Error& caught) {
    const std::string message = caught.what();
    const auto contains = [&](const std::string& part) {
      EXPECT_NE(message.find(part), std::string::npos) << "message: " << message << "\nlacks: " << part;
    };
    (contains(parts), ...);
    return;
  } catch (const std::exception& other) {
    ADD_FAILURE() << "another error was thrown: " << other.what();
    return;
  }
  ADD_FAILURE() << "nothing was thrown";
}

/// Runs `act` and expects an Error with these fields.
template <class Error, class Act>
void expect_fields(Act&& act, const steer::error_fields& fields) {
  try {
    std::forward<Act>(act)();
  } catch (const Error& caught) {
    EXPECT_EQ(caught.fields().what, fields.what) << "message: " << caught.what();
    EXPECT_EQ(caught.fields().layer, fields.layer) << "message: " << caught.what();
    EXPECT_EQ(caught.fields().expected, fields.expected) << "message: " << caught.what();
    EXPECT_EQ(caught.fields().actual, fields.actual) << "message: " << caught.what();
    return;
  }
  ADD_FAILURE() << "nothing was thrown";
}
