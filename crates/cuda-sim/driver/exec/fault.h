// Memory faults of kernels: caught as signals and turned into reports.
#pragma once

namespace sim {

// Installs the handlers, once a process. Faults outside kernels go on to the handlers that were there before.
void install_fault_handlers();

// Gives the calling operating system thread a stack for its signal handlers.
void create_signal_stack();

}  // namespace sim
