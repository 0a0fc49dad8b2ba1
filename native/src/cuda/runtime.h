// Devices, streams, events and graphs. No CUDA header is needed here, so the border includes it, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

struct CUstream_st;

namespace talus::cuda {

// Throws an Error that names the call, what CUDA says about it and what to do.
[[noreturn]] void fail_call(int error, const char* call);

struct DeviceProperties {
  std::string name;
  int major = 0, minor = 0;
  int multiprocessors = 0;
  int64_t memory_bytes = 0, l2_bytes = 0, shared_bytes = 0;  // shared_bytes: what a block may ask for
};

// 0 where there is no driver or no device.
int device_count();
const DeviceProperties& properties(int device);

// Makes this device the calling thread's; throws if there is no such device.
void use_device(int device);
int current_device();

// What the calling thread queues work on: its own stream of the current device if it chose one, else the device's
// stream, which all threads share, so that what one thread makes another may use.
CUstream_st* current_stream();
// Waits for all streams of the current device. As all functions here named so, and as copies to the host, it throws
// what kernels reported meanwhile (kernel_errors.h).
void synchronize();

// A stream of the current device.
class Stream;
Stream* stream_create();
void stream_free(Stream* stream);
// From now on this thread's; null: the device's own again.
void stream_use(Stream* stream);
// Null: the device's own.
void stream_synchronize(Stream* stream);
// Whether all that it was given is done.
bool stream_query(Stream* stream);

// A moment in the work of a stream.
class Event;
Event* event_create();
void event_free(Event* event);
// After all that is queued on the current stream.
void event_record(Event* event);
// What the current stream is given from now on waits for the event.
void event_wait(Event* event);
void event_synchronize(Event* event);
// Whether the moment has come, or was never recorded.
bool event_query(Event* event);
// Between two recorded events; waits for the second.
double event_milliseconds(Event* begin, Event* end);

// Work of the current stream that is kept instead of done, to be done by one call as often as wanted. Streams that wait
// for it meanwhile are captured, too. Memory that is allocated or freed meanwhile stays the graph's until it is freed.
// Random numbers go on with each launch. A graph that fails to end is gone.
class Graph;
void graph_begin();
Graph* graph_end();
// From now on steps of optimizers on this thread do nothing but tell the graph the numbers of its next launch: as many
// steps as were captured, in that order. Null: no more.
void graph_renew(Graph* graph);
void graph_launch(Graph* graph);
void graph_free(Graph* graph);

}  // namespace talus::cuda
