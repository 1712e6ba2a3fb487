#pragma once

/// Asks the system to let the calling thread run soon after it wakes, also on a busy machine.
///
/// It gets no larger part of the processors, only smaller pieces of it. Returns 0, or -1 where the system
/// knows no such wish; then nothing has changed.
int belay_thread_is_prompt(void);
