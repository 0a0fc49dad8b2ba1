package dev.talus.tests.path;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a compiled class refers to, by the table of constants at the beginning of its file.
 *
 * @see <a href="https://docs.oracle.com/javase/specs/jvms/se17/html/jvms-4.html#jvms-4.4">The
 *     constant pool</a>
 */
final class ConstantPool {
  private static final int MAGIC = 0xCAFEBABE;
  private static final String BOX =
      "java/lang/(Boolean|Byte|Character|Short|Integer|Long|Float|Double)";
  private static final Pattern PACKAGE = Pattern.compile("java/util/stream/|java/lang/reflect/");
  private static final Pattern BOXING = Pattern.compile(BOX + "\\.valueOf\\([A-Z]\\).*");
  private static final Pattern BOXED = Pattern.compile(".*L" + BOX + ";.*");

  private final int[] tags;
  private final int[] first; // Of an entry of two indices, or its only one.
  private final int[] second;
  private final String[] texts;

  ConstantPool(InputStream file) throws IOException {
    DataInputStream in = new DataInputStream(file);
    if (in.readInt() != MAGIC) {
      throw new IOException("not a class file");
    }
    in.readInt(); // The version.
    int count = in.readUnsignedShort();
    tags = new int[count];
    first = new int[count];
    second = new int[count];
    texts = new String[count];
    for (int i = 1; i < count; i++) {
      tags[i] = in.readUnsignedByte();
      switch (tags[i]) {
        case 1 -> texts[i] = in.readUTF();
        case 3, 4 -> in.readInt();
        case 5, 6 -> {
          in.readLong();
          i++; // These take two places.
        }
        case 7, 8, 16, 19, 20 -> first[i] = in.readUnsignedShort();
        case 9, 10, 11, 12, 17, 18 -> {
          first[i] = in.readUnsignedShort();
          second[i] = in.readUnsignedShort();
        }
        case 15 -> {
          first[i] = in.readUnsignedByte();
          second[i] = in.readUnsignedShort();
        }
        default -> throw new IOException("constant " + i + " has the unknown tag " + tags[i]);
      }
    }
  }

  /** The streams and the reflection that the class mentions, and the calls of its that box. */
  Set<String> forbidden() {
    Set<String> found = new TreeSet<>();
    for (int i = 1; i < tags.length; i++) {
      switch (tags[i]) {
        case 1 -> {
          // Types stand in descriptors too, so that any text counts.
          Matcher matcher = PACKAGE.matcher(texts[i]);
          while (matcher.find()) {
            found.add(matcher.group());
          }
        }
        case 10 -> {
          String method = texts[first[first[i]]] + "." + nameAndType(second[i]);
          if (BOXING.matcher(method).matches()) {
            found.add("boxing");
          }
        }
        case 16 -> {
          // A lambda of boxed numbers: what is not boxed yet, its caller boxes.
          if (BOXED.matcher(texts[first[i]]).matches()) {
            found.add("boxing");
          }
        }
        default -> {}
      }
    }
    return found;
  }

  private String nameAndType(int index) {
    return texts[first[index]] + texts[second[index]];
  }
}
