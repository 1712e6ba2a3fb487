#ifndef BELAY_COUNT_H
#define BELAY_COUNT_H

#include <stdint.h>

// Every allocation of the process, whoever makes it: a program's own malloc comes before the C library's, for
// the libraries that it loads too. Counts with glibc only.
uint64_t belay_allocations(void);

#endif
