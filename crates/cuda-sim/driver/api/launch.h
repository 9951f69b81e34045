// What is counted and set about launches from outside CUDA's interface.
#pragma once

#include "cuda.h"

namespace sim {

// How many kernels have run, and how many of them began before the one before them had ended.
unsigned long long launch_count();
unsigned long long early_launch_count();
void reset_launch_count();

// Lets the launch fail that comes `launches` after the next one, as a device does that breaks down.
void fail_launch(unsigned long long launches, CUresult code);
void forget_failure();

}  // namespace sim
