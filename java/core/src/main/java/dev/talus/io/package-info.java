/** File formats for tensors. */
package dev.talus.io;
