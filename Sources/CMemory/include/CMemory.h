#pragma once

/// Unmaps what is only read of this program and its libraries, so that what the start needed does not stay
/// resident; whatever is used again is mapped again from the system's cache.
///
/// May be called at any time, by any thread.
void belay_forget_read_only_pages(void);
