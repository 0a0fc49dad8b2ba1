package dev.talus.tests.leak;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/**
 * Turns a leak into a red test: after each test class, as many blocks must be live as before. JUnit
 * finds it through META-INF/services; a class that plays with the Cleaner on purpose is annotated
 * with {@link FreesLate}.
 */
public final class LeakExtension implements BeforeAllCallback, AfterAllCallback {
  private static final Namespace NAMESPACE = Namespace.create(LeakExtension.class);
  private static final Set<Class<?>> WATCHED = ConcurrentHashMap.newKeySet();

  /** Whether this extension was called before the tests of a class. */
  static boolean watches(Class<?> testClass) {
    return WATCHED.contains(testClass);
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    begin(context.getRequiredTestClass(), context.getStore(NAMESPACE));
  }

  @Override
  public void afterAll(ExtensionContext context) {
    end(context.getRequiredTestClass(), context.getStore(NAMESPACE));
  }

  private static void begin(Class<?> testClass, ExtensionContext.Store store) {
    WATCHED.add(testClass);
    store.put(testClass, LeakCheck.begin());
  }

  private static void end(Class<?> testClass, ExtensionContext.Store store) {
    LeakCheck check = store.remove(testClass, LeakCheck.class);
    if (!testClass.isAnnotationPresent(FreesLate.class)) {
      check.end(testClass.getName());
    }
  }
}
