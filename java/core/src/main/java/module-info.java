/**
 * Neural networks on the JVM: tensors, autograd, modules, optimizers, data and file formats, on a
 * native kernel library.
 */
module dev.talus {
  requires com.fasterxml.jackson.jr.ob;
  requires dev.talus.bindings;
  requires jdk.management;

  exports dev.talus;
  exports dev.talus.autograd;
  exports dev.talus.cuda;
  exports dev.talus.data;
  exports dev.talus.io;
  exports dev.talus.memory;
  exports dev.talus.nn;
  exports dev.talus.nn.init;
  exports dev.talus.optim;
}
