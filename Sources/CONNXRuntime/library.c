#define _GNU_SOURCE
#include "api.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int32_t belay_refuse(const char *text, char *reason, size_t capacity) {
    snprintf(reason, capacity, "%s", text);
    return -1;
}

int32_t belay_settle(const belay_onnx *library, OrtStatus *status, char *reason, size_t capacity) {
    if (status == NULL) return 0;
    int32_t code = ((int32_t(*)(const OrtStatus *))library->api[GetErrorCode])(status);
    const char *message = ((const char *(*)(const OrtStatus *))library->api[GetErrorMessage])(status);
    snprintf(reason, capacity, "%s", message);
    RELEASE(library, ReleaseStatus, status);
    return code == 0 ? -1 : code;
}

int32_t belay_onnx_loads(const char *path) { return dlopen(path, RTLD_NOW | RTLD_LOCAL) != NULL; }

// The pool is shared by all sessions, and so small that a run stays on the thread that asked for it.
static int32_t set_threads(
    const belay_onnx *library, OrtThreadingOptions *options, char *reason, size_t capacity) {
    int32_t code = belay_settle(
        library, CALL(library, SetGlobalIntraOpNumThreads, (OrtThreadingOptions *, int), options, 1), reason,
        capacity);
    if (code == 0)
        code = belay_settle(
            library, CALL(library, SetGlobalInterOpNumThreads, (OrtThreadingOptions *, int), options, 1),
            reason, capacity);
    if (code == 0)
        code = belay_settle(
            library, CALL(library, SetGlobalSpinControl, (OrtThreadingOptions *, int), options, 0), reason,
            capacity);
    return code;
}

static int32_t create_environment(belay_onnx *library, char *reason, size_t capacity) {
    enum { log_only_fatal = 4 };  // every error comes back as a status; the library need not print it too
    OrtThreadingOptions *options = NULL;
    int32_t code = belay_settle(
        library, CALL(library, CreateThreadingOptions, (OrtThreadingOptions **), &options), reason, capacity);
    if (code != 0) return code;
    code = set_threads(library, options, reason, capacity);
    if (code == 0)
        code = belay_settle(
            library,
            CALL(
                library, CreateEnvWithGlobalThreadPools,
                (int, const char *, const OrtThreadingOptions *, OrtEnv **), log_only_fatal, "belay", options,
                &library->environment),
            reason, capacity);
    RELEASE(library, ReleaseThreadingOptions, options);
    return code;
}

// Fills in the table of functions, or says why the library is not ONNX Runtime, or too old.
static int32_t find_api(const char *path, belay_onnx *library, char *reason, size_t capacity) {
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return belay_refuse(dlerror(), reason, capacity);
    union {
        void *symbol;
        const OrtApiBase *(*function)(void);
    } base = {dlsym(handle, "OrtGetApiBase")};
    if (base.symbol == NULL) return belay_refuse("it has no symbol OrtGetApiBase", reason, capacity);
    library->version = base.function()->GetVersionString();
    // "1.32.0" offers version 32 of the interface; asking for more than there is would be printed.
    int minor = strncmp(library->version, "1.", 2) == 0 ? atoi(library->version + 2) : 0;
    library->api_version =
        minor < api_version_with_has_shape ? oldest_api_version : api_version_with_has_shape;
    library->api = (const any_function *)base.function()->GetApi((uint32_t)library->api_version);
    if (library->api != NULL) return 0;
    return belay_refuse("it does not offer version 17 of the C interface", reason, capacity);
}

belay_onnx *belay_onnx_open(const char *path, char *reason, size_t capacity) {
    belay_onnx *library = calloc(1, sizeof *library);
    if (library == NULL) {
        belay_refuse("out of memory", reason, capacity);
        return NULL;
    }
    int32_t code = find_api(path, library, reason, capacity);
    if (code == 0) code = create_environment(library, reason, capacity);
    if (code == 0)
        code = belay_settle(
            library, CALL(library, GetAllocatorWithDefaultOptions, (OrtAllocator **), &library->allocator),
            reason, capacity);
    if (code == 0 && belay_reaper_start(library) != 0)
        code = belay_refuse("the thread that unloads models did not start", reason, capacity);
    if (code == 0) return library;
    free(library);
    return NULL;
}

const char *belay_onnx_version(const belay_onnx *library) { return library->version; }

size_t belay_onnx_live_sessions(const belay_onnx *library) { return atomic_load(&library->live_sessions); }
