package dev.talus.io;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.jr.ob.JSON;
import dev.talus.DType;
import dev.talus.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The header of a safetensors file, checked against the format's rules and the file's size. */
final class SafetensorsHeader {
  static final String METADATA = "__metadata__";

  /** The reference implementation's bound: 100 MB. */
  private static final long MAX_BYTES = 100_000_000;

  private static final int MAX_DIMS = 16;

  private static final Map<String, DType> TYPES =
      Map.of(
          "F32", DType.FLOAT32,
          "F64", DType.FLOAT64,
          "I64", DType.INT64,
          "I32", DType.INT32,
          "U8", DType.UINT8,
          "BOOL", DType.BOOL);

  /** One tensor; its bytes lie in [begin, end) of the data. */
  record Entry(String name, DType dtype, long[] shape, long begin, long end) {}

  private final String file;
  private final List<Entry> entries = new ArrayList<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final long dataStart;

  private SafetensorsHeader(String file, long dataStart) {
    this.file = file;
    this.dataStart = dataStart;
  }

  /** The format's name of a type. */
  static String nameOf(DType dtype) {
    for (Map.Entry<String, DType> type : TYPES.entrySet()) {
      if (type.getValue() == dtype) {
        return type.getKey();
      }
    }
    throw new IllegalArgumentException("safetensors has no name for " + dtype);
  }

  static SafetensorsHeader read(String file, FileChannel channel) throws IOException {
    long size = channel.size();
    if (size < Long.BYTES) {
      throw new IOException(
          file + ": not a safetensors file: " + size + " bytes, fewer than the 8 of its start");
    }
    ByteBuffer start = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    fill(file, channel, start, 0);
    long length = start.getLong(0);
    if (length < 2 || length > MAX_BYTES) {
      throw new IOException(
          file
              + ": not a safetensors file: its header would have "
              + Long.toUnsignedString(length)
              + " bytes, allowed are 2 to "
              + MAX_BYTES);
    }
    if (length > size - Long.BYTES) {
      throw new IOException(
          file + ": truncated: the header needs " + length + " bytes, the file has " + size);
    }
    ByteBuffer text = ByteBuffer.allocate((int) length);
    fill(file, channel, text, Long.BYTES);
    SafetensorsHeader header = new SafetensorsHeader(file, Long.BYTES + length);
    header.parse(text.flip());
    header.checkLayout(size - header.dataStart);
    return header;
  }

  /** Reads until the buffer is full. */
  static void fill(String file, FileChannel channel, ByteBuffer buffer, long from)
      throws IOException {
    long at = from;
    while (buffer.hasRemaining()) {
      int count = channel.read(buffer, at);
      if (count < 0) {
        throw new IOException(file + ": truncated: it ends at byte " + at);
      }
      at += count;
    }
  }

  private void parse(ByteBuffer bytes) throws IOException {
    if (bytes.get(0) != '{') {
      throw broken("the header does not start with {", null);
    }
    Map<String, Object> json;
    try {
      // Strict: bytes that are no UTF-8 must not turn into question marks.
      String text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
      json = parsed(text);
    } catch (CharacterCodingException e) {
      throw broken("the header is not UTF-8", e);
    } catch (IOException e) {
      throw broken("the header is not valid JSON: " + e.getMessage().lines().findFirst().get(), e);
    }
    for (Map.Entry<String, Object> item : json.entrySet()) {
      Map<?, ?> value = object(item.getKey(), item.getValue());
      if (item.getKey().equals(METADATA)) {
        parseMetadata(value);
      } else {
        entries.add(entry(item.getKey(), value));
      }
    }
    entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
  }

  private static Map<String, Object> parsed(String text) throws IOException {
    try (JsonParser parser = JSON.std.createParser(text)) {
      Map<String, Object> json = JSON.std.mapFrom(parser);
      if (parser.nextToken() != null) {
        throw new IOException("more follows after its end");
      }
      return json;
    }
  }

  private void parseMetadata(Map<?, ?> texts) throws IOException {
    for (Map.Entry<?, ?> text : texts.entrySet()) {
      if (!(text.getValue() instanceof String)) {
        throw broken(METADATA + " " + text.getKey() + " is not a text", null);
      }
      metadata.put((String) text.getKey(), (String) text.getValue());
    }
  }

  private Entry entry(String name, Map<?, ?> info) throws IOException {
    DType dtype = TYPES.get(String.valueOf(info.get("dtype")));
    if (dtype == null) {
      throw broken(
          "tensor "
              + name
              + " has dtype "
              + info.get("dtype")
              + "; supported are F32, F64, I64, I32, U8 and BOOL",
          null);
    }
    long[] shape = numbers(name, "shape", info.get("shape"));
    if (shape.length > MAX_DIMS) {
      throw broken("tensor " + name + " has more than " + MAX_DIMS + " dimensions", null);
    }
    long[] offsets = numbers(name, "data_offsets", info.get("data_offsets"));
    if (offsets.length != 2 || offsets[0] > offsets[1]) {
      throw broken("tensor " + name + " needs data_offsets of a begin and a later end", null);
    }
    long bytes;
    try {
      bytes = Math.multiplyExact(Shape.numel(shape), dtype.bytes());
    } catch (ArithmeticException e) {
      throw broken("tensor " + name + " has an impossible shape", e);
    }
    if (offsets[1] - offsets[0] != bytes) {
      throw broken(
          "tensor "
              + name
              + " needs "
              + bytes
              + " bytes for its shape, but its data_offsets span "
              + (offsets[1] - offsets[0]),
          null);
    }
    return new Entry(name, dtype, shape, offsets[0], offsets[1]);
  }

  private Map<?, ?> object(String name, Object value) throws IOException {
    if (value instanceof Map) {
      return (Map<?, ?>) value;
    }
    throw broken(name + " is not an object", null);
  }

  private long[] numbers(String name, String key, Object value) throws IOException {
    if (!(value instanceof List)) {
      throw broken("tensor " + name + " has no list " + key, null);
    }
    List<?> list = (List<?>) value;
    long[] numbers = new long[list.size()];
    for (int i = 0; i < numbers.length; i++) {
      Object number = list.get(i);
      boolean whole = number instanceof Integer || number instanceof Long;
      if (!whole || ((Number) number).longValue() < 0) {
        throw broken(
            "tensor " + name + ": " + key + " holds " + number + ", expected whole numbers", null);
      }
      numbers[i] = ((Number) number).longValue();
    }
    return numbers;
  }

  /** The tensors must fill the data from its first byte to its last, without holes or overlaps. */
  private void checkLayout(long dataBytes) throws IOException {
    long at = 0;
    for (Entry entry : entries) {
      if (entry.begin() != at) {
        throw broken(
            "tensor "
                + entry.name()
                + (entry.begin() < at ? " overlaps the one before it" : " leaves a hole before it")
                + ": it begins at byte "
                + entry.begin()
                + " of the data, expected "
                + at,
            null);
      }
      at = entry.end();
    }
    if (at > dataBytes) {
      throw new IOException(
          file + ": truncated: the tensors need " + at + " bytes, the file has " + dataBytes);
    }
    if (at < dataBytes) {
      throw broken((dataBytes - at) + " bytes after the last tensor belong to none", null);
    }
  }

  private IOException broken(String problem, Throwable cause) {
    return new IOException(file + ": not a valid safetensors file: " + problem, cause);
  }

  List<Entry> entries() {
    return entries;
  }

  Map<String, String> metadata() {
    return metadata;
  }

  /** Where the tensors' data begins in the file. */
  long dataStart() {
    return dataStart;
  }
}
