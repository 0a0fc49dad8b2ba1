/** The way to the native library, and what only Talus itself uses. */
package dev.talus.internal;
