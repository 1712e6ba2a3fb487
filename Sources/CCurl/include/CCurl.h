#pragma once

#include <stddef.h>

/// One HTTP request. Texts are UTF-8, end with a zero byte, and must live until the call returns.
typedef struct {
    const char *method;
    const char *url;
    /// `Name: value`.
    const char *const *headers;
    size_t header_count;
    /// NULL for none.
    const char *body;
    size_t body_length;
    /// A file that is sent instead of a body; NULL for none.
    const char *file;
    /// Hosts that no proxy stands before, as in `no_proxy`; NULL leaves it to the environment.
    const char *no_proxy;
    /// Without a byte for so long, it is given up.
    long idle_seconds;
    long total_seconds;
} belay_http_request;

/// Takes what comes in; all are called on the thread of ``belay_http_send``.
typedef struct {
    void *context;
    void (*header)(void *context, const char *line, size_t length);
    void (*body)(void *context, const char *bytes, size_t length);
    /// Asked now and then whether to give up; not 0 means yes.
    int (*is_cancelled)(void *context);
} belay_http_sink;

enum {
    BELAY_HTTP_DONE = 0,
    /// The system's libcurl could not be loaded.
    BELAY_HTTP_NO_LIBRARY = -1,
    BELAY_HTTP_NO_FILE = -2,
    BELAY_HTTP_NO_MEMORY = -3,
};

/// Sends a request by the system's libcurl and waits for the answer.
///
/// Blocks; may be called on any thread. Connections are kept for the next call. Returns one of the numbers
/// above or libcurl's own error code; `status` is set when it is done, and `reason` otherwise.
int belay_http_send(const belay_http_request *request, belay_http_sink sink, long *status, char *reason,
                    size_t reason_capacity);
