#ifndef BELAY_API_H
#define BELAY_API_H

#include "belay_onnxruntime.h"

#include <pthread.h>
#include <stdatomic.h>

// What of ONNX Runtime's C interface is used, written down from its documentation: a struct of function
// pointers, of which each version is a prefix of the next. So an index, once given, keeps its meaning.

typedef struct OrtStatus OrtStatus;
typedef struct OrtEnv OrtEnv;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtRunOptions OrtRunOptions;
typedef struct OrtThreadingOptions OrtThreadingOptions;
typedef struct OrtAllocator OrtAllocator;
typedef struct OrtValue OrtValue;
typedef struct OrtTypeInfo OrtTypeInfo;
typedef struct OrtTensorInfo OrtTensorInfo;

enum { oldest_api_version = 17, api_version_with_has_shape = 24 };

typedef struct {
    const void *const *(*GetApi)(uint32_t version);
    const char *(*GetVersionString)(void);
} OrtApiBase;

typedef void (*any_function)(void);

struct belay_onnx {
    const any_function *api;
    const char *version;
    int api_version;
    OrtEnv *environment;
    OrtAllocator *allocator;
    atomic_size_t live_sessions;
    pthread_mutex_t retired_lock;
    pthread_cond_t retired_arrived;
    belay_session *retired;
};

// One input or output, as the model declares it.
typedef struct {
    char *name;
    int32_t kind;
    int32_t element;
    int32_t has_shape;
    size_t rank;
    int64_t *shape;
} belay_port;

typedef struct {
    size_t count;
    belay_port *ports;
} belay_ports;

struct belay_session {
    belay_onnx *library;
    OrtSession *session;
    belay_ports sides[2];
    int short_of_memory;
    belay_session *next_retired;
};

// Calls the function at `index` of the table as `type`, which spells its parameters.
#define CALL(library, index, type, ...) (((OrtStatus * (*) type)(library)->api[index])(__VA_ARGS__))
#define RELEASE(library, index, value) (((void (*)(void *))(library)->api[index])(value))

enum {
    GetErrorCode = 1,
    GetErrorMessage = 2,
    CreateSession = 7,
    Run = 9,
    CreateSessionOptions = 10,
    SetIntraOpNumThreads = 24,
    SetInterOpNumThreads = 25,
    SessionGetInputCount = 30,
    SessionGetOutputCount = 31,
    SessionGetInputTypeInfo = 33,
    SessionGetOutputTypeInfo = 34,
    SessionGetInputName = 36,
    SessionGetOutputName = 37,
    CreateRunOptions = 39,
    RunOptionsSetTerminate = 46,
    CreateTensorAsOrtValue = 48,
    IsTensor = 50,
    GetTensorMutableData = 51,
    GetStringTensorDataLength = 53,
    GetStringTensorContent = 54,
    CastTypeInfoToTensorInfo = 55,
    GetOnnxTypeFromTypeInfo = 56,
    GetTensorElementType = 60,
    GetDimensionsCount = 61,
    GetDimensions = 62,
    GetTensorTypeAndShape = 65,
    AllocatorFree = 76,
    GetAllocatorWithDefaultOptions = 78,
    ReleaseStatus = 93,
    ReleaseSession = 95,
    ReleaseValue = 96,
    ReleaseRunOptions = 97,
    ReleaseTypeInfo = 98,
    ReleaseTensorTypeAndShapeInfo = 99,
    ReleaseSessionOptions = 100,
    CreateEnvWithGlobalThreadPools = 119,
    DisablePerSessionThreads = 120,
    CreateThreadingOptions = 121,
    ReleaseThreadingOptions = 122,
    AddSessionConfigEntry = 130,
    SetGlobalIntraOpNumThreads = 147,
    SetGlobalInterOpNumThreads = 148,
    SetGlobalSpinControl = 149,
    GetResizedStringTensorElementBuffer = 252,
    TensorTypeAndShape_HasShape = 390,  // from version 24 on
};

// Writes `text` to `reason`, cut to fit; returns -1.
int32_t belay_refuse(const char *text, char *reason, size_t capacity);

// Releases `status`; returns its code and writes its message, or returns 0 when there is none.
int32_t belay_settle(const belay_onnx *library, OrtStatus *status, char *reason, size_t capacity);

// Destroys a session on the calling thread.
void belay_session_destroy(belay_session *session);

// Starts the thread that destroys retired sessions; 0 or an errno.
int belay_reaper_start(belay_onnx *library);

#endif
