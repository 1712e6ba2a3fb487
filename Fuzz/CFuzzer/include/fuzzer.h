#ifndef FUZZER_H
#define FUZZER_H

#include <stddef.h>
#include <stdint.h>

// libFuzzer's own entry, for programs that have a `main`; the compiler's runtime library brings it.
int LLVMFuzzerRunDriver(int *count, char ***words, int (*try_input)(const uint8_t *bytes, size_t count));

#endif
