/** The command line of Talus: {@code train}, {@code eval}, {@code predict} and {@code doctor}. */
package dev.talus.cli;
