// Linked into a simulator that counts (tools/sim optimize). It runs in children, which leave by _exit: what is written where
// a program ends would be lost.

extern "C" {
int __llvm_profile_write_file();
[[noreturn]] void __real__exit(int code);

[[noreturn]] void __wrap__exit(int code) {
  __llvm_profile_write_file();
  __real__exit(code);
}
}
