package dev.talus.io;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.internal.Native;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * Reads and writes safetensors files: the size of the header as 8 little-endian bytes, the header
 * as JSON, then the bytes of all tensors. Data is copied in pieces, never held twice.
 *
 * @see <a href="https://huggingface.co/docs/safetensors/index#format">The format</a>
 */
public final class Safetensors {
  private static final int CHUNK = 1 << 20;
  private static final int ALIGNMENT = 8;

  private Safetensors() {}

  // ---------------------------------------------------------------------- writing

  /**
   * Writes tensors without metadata; see {@link #write(Path, Map, Map)}.
   *
   * @param file where to
   * @param tensors by name
   * @throws IOException if the file cannot be written
   */
  public static void write(Path file, Map<String, Tensor> tensors) throws IOException {
    write(file, tensors, Map.of());
  }

  /**
   * Writes tensors. The file is replaced in one move at the end: whoever reads it meanwhile sees
   * the old one, and a failure leaves it as it was.
   *
   * @param file where to
   * @param tensors by name
   * @param metadata texts to go with them
   * @throws IOException if the file cannot be written
   */
  public static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata)
      throws IOException {
    checkByteOrder();
    Path directory = file.toAbsolutePath().getParent();
    if (!Files.isDirectory(directory)) {
      throw new IOException("cannot write " + file + ": there is no directory " + directory);
    }
    Path temporary =
        file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      try (FileChannel channel =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        write(Channels.newOutputStream(channel), tensors, metadata);
        channel.force(true);
      }
      move(temporary, file);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static void write(
      OutputStream out, Map<String, Tensor> tensors, Map<String, String> metadata)
      throws IOException {
    // Wide elements first, so that each tensor is aligned to its element size.
    List<Map.Entry<String, Tensor>> ordered = new ArrayList<>(tensors.entrySet());
    ordered.sort(Comparator.comparing(entry -> -entry.getValue().dtype().bytes()));
    byte[] header = header(ordered, metadata);
    out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).array());
    out.write(header);
    for (Map.Entry<String, Tensor> entry : ordered) {
      writeValues(out, entry.getValue());
    }
  }

  private static byte[] header(
      List<Map.Entry<String, Tensor>> tensors, Map<String, String> metadata) throws IOException {
    Map<String, Object> entries = new LinkedHashMap<>();
    if (!metadata.isEmpty()) {
      entries.put(SafetensorsHeader.METADATA, metadata);
    }
    long at = 0;
    for (Map.Entry<String, Tensor> entry : tensors) {
      if (entry.getKey().equals(SafetensorsHeader.METADATA)) {
        throw new IllegalArgumentException(
            "a tensor cannot be named " + SafetensorsHeader.METADATA + " in a safetensors file");
      }
      Tensor tensor = entry.getValue();
      long end = at + tensor.numel() * tensor.dtype().bytes();
      Map<String, Object> info = new LinkedHashMap<>();
      info.put("dtype", SafetensorsHeader.nameOf(tensor.dtype()));
      info.put("shape", tensor.sizes());
      info.put("data_offsets", new long[] {at, end});
      entries.put(entry.getKey(), info);
      at = end;
    }
    byte[] json = JSON.std.asString(entries).getBytes(StandardCharsets.UTF_8);
    // Spaces up to a multiple of 8, so that the data starts aligned.
    byte[] padded = Arrays.copyOf(json, (json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    return padded;
  }

  private static void writeValues(OutputStream out, Tensor tensor) throws IOException {
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      Tensor values = tensor.contiguous();
      long bytes = values.numel() * values.dtype().bytes();
      byte[] chunk = new byte[(int) Math.min(CHUNK, bytes)];
      for (long at = 0; at < bytes; at += chunk.length) {
        if (bytes - at < chunk.length) {
          chunk = new byte[(int) (bytes - at)];
        }
        Native.get(values.device().id(), values.address() + at, chunk);
        out.write(chunk);
      }
    }
  }

  // ---------------------------------------------------------------------- reading

  /**
   * Reads all tensors of a file, in the order of their data.
   *
   * @param file where from
   * @return tensors by name, owned by the innermost scope
   * @throws IOException if the file cannot be read, is truncated or breaks the format's rules
   */
  public static Map<String, Tensor> read(Path file) throws IOException {
    checkByteOrder();
    try (FileChannel channel = open(file);
        Scope scope = Scope.open()) {
      SafetensorsHeader header = SafetensorsHeader.read(file.toString(), channel);
      ByteBuffer buffer = ByteBuffer.allocate(CHUNK);
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      for (SafetensorsHeader.Entry entry : header.entries()) {
        Tensor tensor = Tensor.empty(entry.dtype(), entry.shape());
        readValues(file, channel, tensor, header.dataStart() + entry.begin(), buffer);
        tensors.put(entry.name(), tensor);
      }
      tensors.values().forEach(scope::escape);
      return tensors;
    }
  }

  /**
   * Reads the texts that were written with the tensors.
   *
   * @param file where from
   * @return texts by name; empty if there are none
   * @throws IOException if the file cannot be read, is truncated or breaks the format's rules
   */
  public static Map<String, String> readMetadata(Path file) throws IOException {
    try (FileChannel channel = open(file)) {
      return SafetensorsHeader.read(file.toString(), channel).metadata();
    }
  }

  private static FileChannel open(Path file) throws IOException {
    try {
      return FileChannel.open(file, StandardOpenOption.READ);
    } catch (NoSuchFileException e) {
      throw new IOException(file + ": there is no such file", e);
    }
  }

  private static void readValues(
      Path file, FileChannel channel, Tensor tensor, long from, ByteBuffer buffer)
      throws IOException {
    long bytes = tensor.numel() * tensor.dtype().bytes();
    for (long at = 0; at < bytes; ) {
      buffer.clear().limit((int) Math.min(CHUNK, bytes - at));
      SafetensorsHeader.fill(file.toString(), channel, buffer, from + at);
      byte[] chunk =
          buffer.limit() == CHUNK ? buffer.array() : Arrays.copyOf(buffer.array(), buffer.limit());
      if (tensor.dtype() == DType.BOOL) {
        checkBooleans(file, chunk);
      }
      Native.put(tensor.device().id(), tensor.address() + at, chunk);
      at += chunk.length;
    }
  }

  private static void checkBooleans(Path file, byte[] values) throws IOException {
    for (byte value : values) {
      if (value != 0 && value != 1) {
        throw new IOException(
            file + ": a BOOL tensor holds the byte " + (value & 0xff) + ", expected 0 or 1");
      }
    }
  }

  private static void checkByteOrder() {
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new UnsupportedOperationException(
          "safetensors files are little-endian, but this machine is not");
    }
  }
}
