/** Runnable examples, and the network and the data that the command line trains with. */
package dev.talus.examples;
