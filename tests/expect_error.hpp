// tests/expect_error.hpp: the refusals are tested by type and by message.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

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
