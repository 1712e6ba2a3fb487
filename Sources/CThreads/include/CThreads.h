#pragma once

/// Asks the system to let the calling thread run soon after it wakes, also on a busy machine.
///
/// It gets no larger part of the processors, only smaller pieces of it: of so many microseconds, at least 100,
/// and fewer than others ask for. What a thread does when it wakes should fit into one, for after each it waits
/// for its turn like everybody else. A thread asks once. Returns 0, or -1 where the system knows no such wish;
/// then nothing has changed.
int belay_thread_is_prompt(int microseconds);
