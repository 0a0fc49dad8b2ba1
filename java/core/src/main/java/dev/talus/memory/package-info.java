/** Off-heap memory: reference-counted storage, the caching allocator and its limit, leaks. */
package dev.talus.memory;
