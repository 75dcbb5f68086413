// Linked into a simulator with profile counters (tools/sim optimize). Runs happen in children, which end by _exit: counters
// that are written at a normal exit would be lost.

extern "C" {
int __llvm_profile_write_file();
[[noreturn]] void __real__exit(int code);

[[noreturn]] void __wrap__exit(int code) {
  __llvm_profile_write_file();
  __real__exit(code);
}
}
