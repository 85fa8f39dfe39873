// steer/steer.hpp: everything that needs Eigen and the standard library only.
//
// Opt-in, by their own includes: steer/io/safetensors.hpp, steer/io/steering_vector_file.hpp.
#pragma once

#include "steer/core/c_hook.hpp"
#include "steer/core/chain.hpp"
#include "steer/core/error.hpp"
#include "steer/core/hook.hpp"
#include "steer/core/hook_ref.hpp"
#include "steer/core/host.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/rows.hpp"
#include "steer/core/site.hpp"
#include "steer/extract/mean_difference.hpp"
#include "steer/extract/measure_evidence.hpp"
#include "steer/extract/recorder.hpp"
#include "steer/extract/separation.hpp"
#include "steer/extract/token_selection.hpp"
#include "steer/inject/plan.hpp"
#include "steer/kernel/read.hpp"
#include "steer/kernel/write.hpp"
#include "steer/recipe/recipe.hpp"
#include "steer/vector/steering_vector.hpp"
