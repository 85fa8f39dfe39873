// expect: nothing checks this part
#include <steer/recipe/field.hpp>

int main() {
  steer::detail::field_check{"an edit"}("share", 0.5F);
}
