// What all functions of the interface check first, and how they report what is wrong.
#pragma once

#include <string>

#include "cuda.h"

namespace sim {

// Notes what is wrong, as a sentence that begins with the function, for last_error(); returns the code.
CUresult fail(CUresult code, const std::string& what);

// Puts the device out of order: every call from now on returns the code. The first report stays.
void break_device(CUresult code, const std::string& report);

CUresult device_state();

// What fail() or break_device() noted, empty where nothing was.
std::string last_report();

// Puts the device in order again.
void repair_device();

// Whether the driver is initialised, this thread has a context, and the device is in order.
CUresult begin(const char* function);

// As begin(), for a call that CUDA forbids while a stream is being captured, such as an allocation: it invalidates the
// captures that forbid it.
CUresult begin_unsafe(const char* function);

// "0x7f0012345000"
std::string hexadecimal(unsigned long long value);

// The calling thread's context, which is the primary one or none.
CUcontext current_context();

// Whether the calling thread runs a function that was given to cuLaunchHostFunc, which must not call CUDA.
extern thread_local bool in_host_function;

// A number of the environment, or what to take without.
unsigned long long environment_number(const char* name, unsigned long long otherwise);

// CUDA_SIM_SEED: 0 keeps the natural order of threads, blocks and streams.
unsigned long long seed();

// Numbers that follow from the seed.
unsigned random_below(unsigned bound);

}  // namespace sim
