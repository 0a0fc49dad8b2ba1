package dev.talus.tests.cuda;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A class whose tests need a GPU: the build runs group "cuda" apart, with the emulator's library
 * or, with {@code -Pcuda -Dtalus.test.device=cuda}, on this machine's GPU.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("cuda")
@ExtendWith(CudaTestDevice.class)
@interface CudaTest {}
