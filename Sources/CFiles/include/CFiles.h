#pragma once

#include <stdint.h>

/// Gives the space of `count` bytes from `start` back to the file system; they read as zeros, and the file
/// stays as long as it was. Returns 0, or -1 where the file system cannot; then nothing has changed.
int belay_file_free(int descriptor, int64_t start, int64_t count);
