#define _GNU_SOURCE
#include "api.h"

#include <stdlib.h>
#include <string.h>

static OrtStatus *configure(const belay_onnx *library, OrtSessionOptions *options) {
    // The format is said, not guessed: what was inspected as ONNX must not be loaded as anything else.
    static const char *const entries[][2] = {
        {"session.load_model_format", "ONNX"},
        {"session.intra_op.allow_spinning", "0"},
        {"session.inter_op.allow_spinning", "0"},
    };
    OrtStatus *status = CALL(library, SetIntraOpNumThreads, (OrtSessionOptions *, int), options, 1);
    if (status == NULL) status = CALL(library, SetInterOpNumThreads, (OrtSessionOptions *, int), options, 1);
    if (status == NULL) status = CALL(library, DisablePerSessionThreads, (OrtSessionOptions *), options);
    for (size_t i = 0; status == NULL && i < sizeof entries / sizeof entries[0]; i++)
        status = CALL(
            library, AddSessionConfigEntry, (OrtSessionOptions *, const char *, const char *), options,
            entries[i][0], entries[i][1]);
    return status;
}

static OrtStatus *create(const belay_onnx *library, const char *path, OrtSession **session) {
    OrtSessionOptions *options = NULL;
    OrtStatus *status = CALL(library, CreateSessionOptions, (OrtSessionOptions **), &options);
    if (status != NULL) return status;
    status = configure(library, options);
    if (status == NULL)
        status = CALL(
            library, CreateSession, (OrtEnv *, const char *, const OrtSessionOptions *, OrtSession **),
            library->environment, path, options, session);
    RELEASE(library, ReleaseSessionOptions, options);
    return status;
}

// The name is copied, so that nothing of theirs has to be freed with their allocator later.
static OrtStatus *read_name(belay_session *session, belay_side side, size_t index, char **copy) {
    const belay_onnx *library = session->library;
    int name_call = side == belay_inputs ? SessionGetInputName : SessionGetOutputName;
    char *name = NULL;
    OrtStatus *status = CALL(
        library, name_call, (const OrtSession *, size_t, OrtAllocator *, char **), session->session, index,
        library->allocator, &name);
    if (status != NULL) return status;
    *copy = strdup(name);
    if (*copy == NULL) session->short_of_memory = 1;
    return CALL(library, AllocatorFree, (OrtAllocator *, void *), library->allocator, name);
}

// `info` belongs to the type and is not released.
static OrtStatus *read_tensor(belay_session *session, const OrtTensorInfo *info, belay_port *port) {
    const belay_onnx *library = session->library;
    port->has_shape = 1;
    if (library->api_version >= api_version_with_has_shape)
        port->has_shape =
            ((_Bool(*)(const OrtTensorInfo *))library->api[TensorTypeAndShape_HasShape])(info);
    OrtStatus *status =
        CALL(library, GetTensorElementType, (const OrtTensorInfo *, int32_t *), info, &port->element);
    if (status == NULL)
        status = CALL(library, GetDimensionsCount, (const OrtTensorInfo *, size_t *), info, &port->rank);
    if (status != NULL || port->rank == 0) return status;
    port->shape = calloc(port->rank, sizeof *port->shape);
    if (port->shape == NULL) {
        session->short_of_memory = 1;
        port->rank = 0;
        return NULL;
    }
    return CALL(
        library, GetDimensions, (const OrtTensorInfo *, int64_t *, size_t), info, port->shape, port->rank);
}

static OrtStatus *read_type(belay_session *session, belay_side side, size_t index, belay_port *port) {
    const belay_onnx *library = session->library;
    int type_call = side == belay_inputs ? SessionGetInputTypeInfo : SessionGetOutputTypeInfo;
    OrtTypeInfo *type = NULL;
    OrtStatus *status = CALL(
        library, type_call, (const OrtSession *, size_t, OrtTypeInfo **), session->session, index, &type);
    if (status != NULL) return status;
    status = CALL(library, GetOnnxTypeFromTypeInfo, (const OrtTypeInfo *, int32_t *), type, &port->kind);
    const OrtTensorInfo *info = NULL;
    if (status == NULL)
        status = CALL(
            library, CastTypeInfoToTensorInfo, (const OrtTypeInfo *, const OrtTensorInfo **), type, &info);
    enum { kind_tensor = 1 };
    if (status == NULL && info != NULL && port->kind == kind_tensor)
        status = read_tensor(session, info, port);
    RELEASE(library, ReleaseTypeInfo, type);
    return status;
}

static OrtStatus *read_side(belay_session *session, belay_side side) {
    const belay_onnx *library = session->library;
    int count_call = side == belay_inputs ? SessionGetInputCount : SessionGetOutputCount;
    size_t count = 0;
    OrtStatus *status =
        CALL(library, count_call, (const OrtSession *, size_t *), session->session, &count);
    if (status != NULL || count == 0) return status;
    belay_ports *ports = &session->sides[side];
    ports->ports = calloc(count, sizeof *ports->ports);
    if (ports->ports == NULL) {
        session->short_of_memory = 1;
        return NULL;
    }
    ports->count = count;
    for (size_t i = 0; status == NULL && i < count; i++) {
        status = read_name(session, side, i, &ports->ports[i].name);
        if (status == NULL) status = read_type(session, side, i, &ports->ports[i]);
    }
    return status;
}

belay_session *belay_session_create(
    belay_onnx *library, const char *path, char *reason, size_t capacity) {
    belay_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        belay_refuse("out of memory", reason, capacity);
        return NULL;
    }
    session->library = library;
    atomic_fetch_add(&library->live_sessions, 1);
    OrtStatus *status = create(library, path, &session->session);
    if (status == NULL) status = read_side(session, belay_inputs);
    if (status == NULL) status = read_side(session, belay_outputs);
    int32_t code = belay_settle(library, status, reason, capacity);
    if (code == 0 && session->short_of_memory) code = belay_refuse("out of memory", reason, capacity);
    if (code == 0) return session;
    belay_session_destroy(session);
    return NULL;
}

void belay_session_destroy(belay_session *session) {
    belay_onnx *library = session->library;
    if (session->session != NULL) RELEASE(library, ReleaseSession, session->session);
    for (int side = belay_inputs; side <= belay_outputs; side++) {
        for (size_t i = 0; i < session->sides[side].count; i++) {
            free(session->sides[side].ports[i].name);
            free(session->sides[side].ports[i].shape);
        }
        free(session->sides[side].ports);
    }
    free(session);
    atomic_fetch_sub(&library->live_sessions, 1);
}

static const belay_port *port(const belay_session *session, belay_side side, size_t index) {
    return &session->sides[side].ports[index];
}

size_t belay_session_count(const belay_session *session, belay_side side) {
    return session->sides[side].count;
}

const char *belay_session_name(const belay_session *session, belay_side side, size_t index) {
    const char *name = port(session, side, index)->name;
    return name == NULL ? "" : name;
}

int32_t belay_session_kind(const belay_session *session, belay_side side, size_t index) {
    return port(session, side, index)->kind;
}

int32_t belay_session_element(const belay_session *session, belay_side side, size_t index) {
    return port(session, side, index)->element;
}

int32_t belay_session_has_shape(const belay_session *session, belay_side side, size_t index) {
    return port(session, side, index)->has_shape;
}

size_t belay_session_rank(const belay_session *session, belay_side side, size_t index) {
    return port(session, side, index)->rank;
}

int64_t belay_session_dimension(const belay_session *session, belay_side side, size_t index, size_t axis) {
    return port(session, side, index)->shape[axis];
}
