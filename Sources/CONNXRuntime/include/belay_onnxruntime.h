#ifndef BELAY_ONNXRUNTIME_H
#define BELAY_ONNXRUNTIME_H

#include <stddef.h>
#include <stdint.h>

// ONNX Runtime, reached by dlopen, so that Belay builds without it and says what is missing when it starts.
// No header of theirs is used: the calls stand in a table that only ever grows at its end, see api.h.
//
// Functions that can fail return 0 or a code (ONNX Runtime's own, or -1 for ours) and then write why,
// NUL-terminated and cut to fit, to `reason`.

#pragma clang assume_nonnull begin

typedef struct belay_onnx belay_onnx;
typedef struct belay_session belay_session;
typedef struct belay_run belay_run;

typedef enum belay_side { belay_inputs = 0, belay_outputs = 1 } belay_side;

// Whether the system's loader finds `path`, a file or a soname. What it loads stays loaded.
int32_t belay_onnx_loads(const char *path);

// Loads the library, asks for version 17 of its interface and makes the environment: one thread pool for all
// sessions, of one thread, which never spins. Never unloaded: code of a loaded library may still be running.
belay_onnx *_Nullable belay_onnx_open(const char *path, char *reason, size_t capacity);
// What the library calls itself: "1.32.0".
const char *belay_onnx_version(const belay_onnx *library);
// Sessions created and not yet destroyed, those waiting for the reaper included.
size_t belay_onnx_live_sessions(const belay_onnx *library);

// Loads a model from a file, always as ONNX. Blocks for milliseconds to minutes.
belay_session *_Nullable belay_session_create(
    belay_onnx *library, const char *path, char *reason, size_t capacity);
// Returns at once: the library's own reaper thread destroys the session, which may take long.
void belay_session_release(belay_session *session);

size_t belay_session_count(const belay_session *session, belay_side side);
const char *belay_session_name(const belay_session *session, belay_side side, size_t index);
// ONNXType: 1 tensor, 2 sequence, 3 map, 4 opaque, 5 sparse tensor, 6 optional.
int32_t belay_session_kind(const belay_session *session, belay_side side, size_t index);
// ONNXTensorElementDataType; 0 unless the kind is tensor.
int32_t belay_session_element(const belay_session *session, belay_side side, size_t index);
// 0 when the model does not say; libraries before 1.24 cannot tell that from a scalar, and give 1.
int32_t belay_session_has_shape(const belay_session *session, belay_side side, size_t index);
size_t belay_session_rank(const belay_session *session, belay_side side, size_t index);
// Negative when each request chooses it. `axis` must be below the rank.
int64_t belay_session_dimension(const belay_session *session, belay_side side, size_t index, size_t axis);

// One request at a time: inputs are set, it is executed, outputs are read, and it is cleared for the next one.
// For one thread at a time. The session must outlive it.
belay_run *_Nullable belay_run_create(belay_session *session, char *reason, size_t capacity);
void belay_run_release(belay_run *run);
// Forgets the request. Memory of small inputs is kept for the next, at most 256 KiB in all.
void belay_run_clear(belay_run *run);
// Ends this run, and every later one. For any thread, as long as there is the run.
void belay_run_stop(belay_run *run);

enum { belay_most_dimensions = 16 };

// Sets the input at `index` of the session to a copy of `bytes`, of which there must be as many as the shape
// says; not for strings.
int32_t belay_run_input(
    belay_run *run, size_t index, int32_t element, const int64_t *shape, size_t rank,
    const void *_Nullable bytes, size_t size, char *reason, size_t capacity);
// Sets an input of strings: `text` holds all of them one after another, `lengths` their bytes.
int32_t belay_run_input_strings(
    belay_run *run, size_t index, const int64_t *shape, size_t rank,
    const char *text, const size_t *lengths, size_t count, char *reason, size_t capacity);

// Runs the model on the inputs set. `wanted` are indices of the session's outputs. Blocks until done.
int32_t belay_run_execute(
    belay_run *run, const size_t *wanted, size_t count, char *reason, size_t capacity);

// What came out, by position in `wanted`. The element type is 0 when it is not a tensor. The shape holds until
// the next call, the data, NULL for strings, until the run is cleared.
int32_t belay_run_output(
    belay_run *run, size_t position, int32_t *element, const int64_t *_Nullable *_Nonnull shape,
    size_t *rank, const void *_Nullable *_Nonnull data, char *reason, size_t capacity);
// The bytes of all strings together.
int32_t belay_run_output_text_size(
    belay_run *run, size_t position, size_t *bytes, char *reason, size_t capacity);
// Copies all strings one after another, and where each begins.
int32_t belay_run_output_text(
    belay_run *run, size_t position, char *text, size_t bytes, size_t *offsets, size_t count,
    char *reason, size_t capacity);

#pragma clang assume_nonnull end

#endif
