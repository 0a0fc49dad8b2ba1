/** The border's Java side, generated from {@code talus/talus.h}. Users need {@code dev.talus}. */
module dev.talus.bindings {
  requires transitive org.bytedeco.javacpp;

  exports dev.talus.bindings;
  exports dev.talus.presets;
}
