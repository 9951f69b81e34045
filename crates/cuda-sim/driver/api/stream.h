// Streams: queues of work. Work waits until somebody waits for it: a program that forgets to synchronise reads what
// was there before, every time and not once in a thousand.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "cuda.h"

namespace sim {

struct Capture;
struct Stream;

typedef std::function<void()> Work;

// The work, or nothing where the device has failed by then: after an error it does nothing any more.
Work unless_failed(Work work);

// Begins a launch before the node before it has run, if its attributes allow that and it follows that node alone; gives
// what remains to be done when that node has ended.
typedef std::function<Work(bool follows_alone)> Beginning;

// A place in a stream: reached when the work up to that number has been done.
struct Ticket {
    std::shared_ptr<Stream> stream;
    unsigned long long number = 0;
};

struct Operation {
    Work work;
    std::vector<Ticket> after;
};

struct Stream {
    // Whether it is ordered with the legacy stream.
    bool blocking = true;
    unsigned flags = 0;
    int priority = 0;
    std::deque<Operation> queue;
    unsigned long long submitted = 0;
    unsigned long long completed = 0;
    // The capture that it takes part in, and the nodes that its next one follows.
    std::shared_ptr<Capture> capture;
    std::vector<size_t> frontier;
};

// The stream of a handle; null where it does not exist (any longer).
std::shared_ptr<Stream> find_stream(CUstream handle);

std::shared_ptr<Stream> legacy_stream();

// Appends work that is done after all that the stream has been given, and after the tickets.
Ticket enqueue(const std::shared_ptr<Stream>& stream, Work work, std::vector<Ticket> after = {});

// Records work in the stream's capture, or else appends it to the stream, where no launch begins early.
CUresult issue(const char* function, CUstream handle, Work work, Beginning begin = nullptr);

// What the stream has been given so far.
Ticket everything(const std::shared_ptr<Stream>& stream);

void wait_for(const Ticket& ticket);
void wait_for_device();

// Whether the work has been done. If not, the device does a little of it, so that polling comes to an end.
bool poll(const Ticket& ticket);

}  // namespace sim
