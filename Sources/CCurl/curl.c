#define _GNU_SOURCE
#include "CCurl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

// libcurl 7 and 8 share this part of their interface, and these numbers are part of it for good.
enum {
    nosignal = 99, noprogress = 43, post_size = 30120, upload = 46, upload_size = 30115, no_body = 44,
    follow = 52, most_redirects = 68, total_timeout = 13, low_speed = 19, low_speed_time = 20,
    url = 10002, method = 10036, headers = 10023, post = 10015, read_data = 10009, write_data = 10001,
    header_data = 10029, progress_data = 10057, no_proxy = 10177, write_function = 20011,
    header_function = 20079, progress_function = 20219, status_code = 0x200002, global_all = 3,
};

static struct {
    void *(*init)(void);
    int (*set)(void *, int, ...);
    int (*perform)(void *);
    int (*info)(void *, int, ...);
    void (*reset)(void *);
    void (*cleanup)(void *);
    const char *(*error)(int);
    void *(*append)(void *, const char *);
    void (*free_list)(void *);
} curl;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int is_loaded;

static void load(void) {
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib", "libcurl.dylib"};
    void *library = NULL;
    for (size_t index = 0; index < sizeof names / sizeof *names && !library; index++)
        library = dlopen(names[index], RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    int (*global)(long) = dlsym(library, "curl_global_init");
    curl.init = dlsym(library, "curl_easy_init");
    curl.set = dlsym(library, "curl_easy_setopt");
    curl.perform = dlsym(library, "curl_easy_perform");
    curl.info = dlsym(library, "curl_easy_getinfo");
    curl.reset = dlsym(library, "curl_easy_reset");
    curl.cleanup = dlsym(library, "curl_easy_cleanup");
    curl.error = dlsym(library, "curl_easy_strerror");
    curl.append = dlsym(library, "curl_slist_append");
    curl.free_list = dlsym(library, "curl_slist_free_all");
    is_loaded = global && curl.init && curl.set && curl.perform && curl.info && curl.reset && curl.cleanup &&
                curl.error && curl.append && curl.free_list && global(global_all) == 0;
}

// Handles that wait for the next request, with their connections.
enum { most_spare = 16 };
static struct {
    pthread_mutex_t lock;
    void *handles[most_spare];
    int count;
} spare = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *take(void) {
    pthread_mutex_lock(&spare.lock);
    void *handle = spare.count > 0 ? spare.handles[--spare.count] : NULL;
    pthread_mutex_unlock(&spare.lock);
    return handle ? handle : curl.init();
}

static void give(void *handle) {
    curl.reset(handle);
    pthread_mutex_lock(&spare.lock);
    int fits = spare.count < most_spare;
    if (fits) spare.handles[spare.count++] = handle;
    pthread_mutex_unlock(&spare.lock);
    if (!fits) curl.cleanup(handle);
}

static size_t on_body(const char *bytes, size_t size, size_t count, void *context) {
    const belay_http_sink *sink = context;
    sink->body(sink->context, bytes, size * count);
    return size * count;
}

static size_t on_header(const char *bytes, size_t size, size_t count, void *context) {
    const belay_http_sink *sink = context;
    sink->header(sink->context, bytes, size * count);
    return size * count;
}

static int on_progress(void *context, int64_t a, int64_t b, int64_t c, int64_t d) {
    (void)a, (void)b, (void)c, (void)d;
    const belay_http_sink *sink = context;
    return sink->is_cancelled(sink->context);
}

static void prepare(void *handle, const belay_http_request *request, belay_http_sink *sink, void *list) {
    curl.set(handle, nosignal, 1L);
    curl.set(handle, url, request->url);
    curl.set(handle, follow, 1L);
    curl.set(handle, most_redirects, 5L);
    curl.set(handle, total_timeout, request->total_seconds);
    curl.set(handle, low_speed, 1L);
    curl.set(handle, low_speed_time, request->idle_seconds);
    curl.set(handle, write_function, on_body);
    curl.set(handle, write_data, sink);
    curl.set(handle, header_function, on_header);
    curl.set(handle, header_data, sink);
    curl.set(handle, progress_function, on_progress);
    curl.set(handle, progress_data, sink);
    curl.set(handle, noprogress, 0L);
    if (request->no_proxy) curl.set(handle, no_proxy, request->no_proxy);
    if (list) curl.set(handle, headers, list);
    if (request->body) {
        curl.set(handle, post_size, (int64_t)request->body_length);
        curl.set(handle, post, request->body);
    }
    if (strcmp(request->method, "HEAD") == 0) curl.set(handle, no_body, 1L);
    curl.set(handle, method, request->method);
}

// Gives the file away for sending; NULL when it cannot be read.
static FILE *attach(void *handle, const char *path) {
    FILE *file = fopen(path, "re");
    struct stat status;
    if (!file || fstat(fileno(file), &status) != 0) {
        if (file) fclose(file);
        return NULL;
    }
    curl.set(handle, upload, 1L);
    curl.set(handle, read_data, file);
    curl.set(handle, upload_size, (int64_t)status.st_size);
    return file;
}

int belay_http_send(const belay_http_request *request, belay_http_sink sink, long *status, char *reason,
                    size_t reason_capacity) {
    pthread_once(&once, load);
    if (!is_loaded) return BELAY_HTTP_NO_LIBRARY;
    void *handle = take();
    if (!handle) return BELAY_HTTP_NO_MEMORY;
    void *list = NULL;
    int result = BELAY_HTTP_DONE;
    for (size_t index = 0; index < request->header_count; index++) {
        void *longer = curl.append(list, request->headers[index]);
        if (!longer) result = BELAY_HTTP_NO_MEMORY;
        if (longer) list = longer;
    }
    FILE *file = NULL;
    prepare(handle, request, &sink, list);
    if (request->file) {
        file = attach(handle, request->file);
        if (!file) result = BELAY_HTTP_NO_FILE;
        // Uploading makes it a PUT unless told otherwise.
        curl.set(handle, method, request->method);
    }
    if (result == BELAY_HTTP_DONE) {
        result = curl.perform(handle);
        if (result == 0) curl.info(handle, status_code, status);
        else snprintf(reason, reason_capacity, "%s", curl.error(result));
    }
    give(handle);
    if (list) curl.free_list(list);
    if (file) fclose(file);
    return result;
}
