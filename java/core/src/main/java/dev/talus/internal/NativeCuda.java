package dev.talus.internal;

import static dev.talus.bindings.talus.*;

/** Calls of the generated bindings that only CUDA devices have: streams, events, graphs. */
public final class NativeCuda {
  private NativeCuda() {}

  public static long streamCreate(int device) {
    return Native.made(talus_stream_create(device));
  }

  public static void streamFree(int device, long stream) {
    Native.check(talus_stream_free(device, stream));
  }

  public static void streamUse(int device, long stream) {
    Native.check(talus_stream_use(device, stream));
  }

  public static void streamSynchronize(int device, long stream) {
    Native.check(talus_stream_synchronize(device, stream));
  }

  public static boolean streamQuery(int device, long stream) {
    int[] done = new int[1];
    Native.check(talus_stream_query(device, stream, done));
    return done[0] != 0;
  }

  public static void recordStream(int device, long block) {
    Native.check(talus_record_stream(device, block));
  }

  public static long eventCreate(int device) {
    return Native.made(talus_event_create(device));
  }

  public static void eventFree(int device, long event) {
    Native.check(talus_event_free(device, event));
  }

  public static void eventRecord(int device, long event) {
    Native.check(talus_event_record(device, event));
  }

  public static void eventWait(int device, long event) {
    Native.check(talus_event_wait(device, event));
  }

  public static void eventSynchronize(int device, long event) {
    Native.check(talus_event_synchronize(device, event));
  }

  public static boolean eventQuery(int device, long event) {
    int[] done = new int[1];
    Native.check(talus_event_query(device, event, done));
    return done[0] != 0;
  }

  public static double eventMilliseconds(int device, long begin, long end) {
    double[] milliseconds = new double[1];
    Native.check(talus_event_milliseconds(device, begin, end, milliseconds));
    return milliseconds[0];
  }

  public static void graphBegin(int device) {
    Native.check(talus_graph_begin(device));
  }

  public static long graphEnd(int device) {
    return Native.made(talus_graph_end(device));
  }

  public static void graphRenew(int device, long graph) {
    Native.check(talus_graph_renew(device, graph));
  }

  public static void graphLaunch(int device, long graph) {
    Native.check(talus_graph_launch(device, graph));
  }

  public static void graphFree(int device, long graph) {
    Native.check(talus_graph_free(device, graph));
  }
}
