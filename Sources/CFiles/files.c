#define _GNU_SOURCE
#include "CFiles.h"

#ifdef __linux__
#include <fcntl.h>

int belay_file_free(int descriptor, int64_t start, int64_t count) {
    return fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start, count) == 0 ? 0 : -1;
}
#else
int belay_file_free(int descriptor, int64_t start, int64_t count) {
    (void)descriptor;
    (void)start;
    (void)count;
    return -1;
}
#endif
