package dev.talus.presets;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/**
 * Tells JavaCPP how to read {@code talus/talus.h}. Package {@code dev.talus.bindings} is generated
 * from that header at build time; nothing in it is written by hand.
 */
@Properties(
    value = {
      @Platform(include = "talus/talus.h", link = "talus"),
      // Linux: the C++ runtime goes into the library, so that it needs nothing but libc.
      @Platform(
          value = "linux",
          compiler = {"default", "staticruntime"}),
      // Where libraries with kernels for CUDA lie beside the plain ones, JavaCPP takes these first.
      @Platform(extension = "-gpu")
    },
    target = "dev.talus.bindings",
    global = "dev.talus.bindings.talus")
public class TalusConfig implements InfoMapper {
  /** Called by JavaCPP when it reads the header, and by the generated class that extends this. */
  public TalusConfig() {}

  @Override
  public void map(InfoMap infoMap) {
    infoMap
        // Export decoration and platform switches mean nothing to Java.
        .put(new Info("TALUS_API", "TALUS_TALUS_H").cppTypes().annotations())
        .put(new Info("_WIN32").define(false))
        // Addresses are plain longs: a Pointer per tensor would take JavaCPP's global lock. "skip"
        // keeps the typedef itself from becoming a Pointer class.
        .put(new Info("talus_ptr").cast().valueTypes("long").skip())
        // Texts come back as String; a BytePointer would again be an owned Pointer.
        .put(new Info("const char").cast().valueTypes("byte").pointerTypes("String"));
  }
}
