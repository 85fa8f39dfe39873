// expect: no matching (member )?function
// expect: host
#include <steer/extract/recorder.hpp>

struct engine {
  steer::model_shape shape() const { return {}; }  // has no evaluate(tokens, hook)
};

int main() {
  engine model;
  steer::recorder recorder(model.shape());
  recorder.record(model, "a happy text", "a sad text");
}
