package dev.talus.data;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.internal.Native;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;

/**
 * Reads the IDX files of MNIST: a big-endian magic number, the sizes, then unsigned bytes; gzipped
 * or not.
 *
 * @see <a href="https://yann.lecun.org/exdb/mnist/">The MNIST database</a>
 */
final class IdxReader {
  private static final int CHUNK = 1 << 20;
  private static final int GZIP_MAGIC = 0x1f8b;

  private IdxReader() {}

  /**
   * Reads a file of bytes.
   *
   * @param name of the file, for messages
   * @param raw its contents; not closed
   * @param rank the number of dimensions it must have
   * @return a uint8 tensor, owned by the innermost scope
   */
  static Tensor read(String name, InputStream raw, int rank) throws IOException {
    try {
      DataInputStream in = new DataInputStream(plain(raw));
      checkMagic(name, in.readInt(), rank);
      long[] sizes = new long[rank];
      for (int d = 0; d < rank; d++) {
        sizes[d] = in.readInt();
        if (sizes[d] < 0) {
          throw new IOException(name + ": negative size in the header: " + sizes[d]);
        }
      }
      return bytes(name, in, sizes);
    } catch (EOFException e) {
      throw new IOException(name + ": the file ends inside its header or compressed data", e);
    } catch (ArithmeticException e) {
      throw new IOException(name + ": the sizes in the header are impossible", e);
    }
  }

  private static InputStream plain(InputStream raw) throws IOException {
    BufferedInputStream in = new BufferedInputStream(raw, 1 << 16);
    in.mark(2);
    int magic = in.read() << 8 | in.read();
    in.reset();
    return magic == GZIP_MAGIC ? new BufferedInputStream(new GZIPInputStream(in)) : in;
  }

  private static void checkMagic(String name, int magic, int rank) throws IOException {
    int expected = 0x0800 | rank;
    if (magic != expected) {
      throw new IOException(
          String.format(
              "%s: not an IDX file of %s: expected the magic number %d (0x%08x), got %d (0x%08x)",
              name, rank == 3 ? "images" : "labels", expected, expected, magic, magic));
    }
  }

  private static Tensor bytes(String name, InputStream in, long[] sizes) throws IOException {
    long total = Shape.numel(sizes);
    // Looks before it allocates: a broken header must not cost its wish.
    byte[] first = in.readNBytes((int) Math.min(CHUNK, total));
    checkLength(name, sizes, total, first.length, first.length == Math.min(CHUNK, total));
    Tensor out = Tensor.allocate(DType.UINT8, Device.CPU, sizes);
    boolean done = false;
    try {
      long at = 0;
      byte[] chunk = first;
      while (chunk.length > 0) {
        Native.put(out.device().id(), out.address() + at, chunk);
        at += chunk.length;
        int wanted = (int) Math.min(CHUNK, total - at);
        chunk = in.readNBytes(wanted);
        checkLength(name, sizes, total, at + chunk.length, chunk.length == wanted);
      }
      if (in.read() >= 0) {
        throw new IOException(
            name + ": more data than the header's sizes " + Arrays.toString(sizes) + " need");
      }
      done = true;
      return out;
    } finally {
      if (!done) {
        out.close();
      }
    }
  }

  private static void checkLength(
      String name, long[] sizes, long expected, long got, boolean complete) throws IOException {
    if (!complete) {
      throw new IOException(
          name
              + ": truncated: the header says "
              + Arrays.toString(sizes)
              + ", which is "
              + expected
              + " bytes, but only "
              + got
              + " are there");
    }
  }
}
