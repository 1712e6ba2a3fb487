#include "api.h"

#include <stdlib.h>
#include <string.h>

struct belay_stop {
    const belay_onnx *library;
    OrtRunOptions *options;
};

// Both arrays are indexed as the session's inputs and outputs are; an output not asked for stays NULL.
struct belay_run {
    belay_session *session;
    OrtValue **inputs;
    OrtValue **outputs;
    size_t output_count;
};

enum { element_string = 8 };

belay_stop *belay_stop_create(belay_onnx *library, char *reason, size_t capacity) {
    belay_stop *stop = calloc(1, sizeof *stop);
    if (stop == NULL) {
        belay_refuse("out of memory", reason, capacity);
        return NULL;
    }
    stop->library = library;
    OrtStatus *status = CALL(library, CreateRunOptions, (OrtRunOptions **), &stop->options);
    if (belay_settle(library, status, reason, capacity) == 0) return stop;
    free(stop);
    return NULL;
}

void belay_stop_now(belay_stop *stop) {
    OrtStatus *status = CALL(stop->library, RunOptionsSetTerminate, (OrtRunOptions *), stop->options);
    if (status != NULL) RELEASE(stop->library, ReleaseStatus, status);
}

void belay_stop_release(belay_stop *stop) {
    RELEASE(stop->library, ReleaseRunOptions, stop->options);
    free(stop);
}

belay_run *belay_run_create(belay_session *session, char *reason, size_t capacity) {
    belay_run *run = calloc(1, sizeof *run);
    // One more than needed, because calloc(0) may be NULL.
    OrtValue **inputs = calloc(session->sides[belay_inputs].count + 1, sizeof *inputs);
    OrtValue **outputs = calloc(session->sides[belay_outputs].count + 1, sizeof *outputs);
    if (run == NULL || inputs == NULL || outputs == NULL) {
        free(run);
        free(inputs);
        free(outputs);
        belay_refuse("out of memory", reason, capacity);
        return NULL;
    }
    *run = (belay_run){.session = session, .inputs = inputs, .outputs = outputs};
    return run;
}

static void release_values(const belay_onnx *library, OrtValue **values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (values[i] != NULL) RELEASE(library, ReleaseValue, values[i]);
    free(values);
}

void belay_run_release(belay_run *run) {
    const belay_onnx *library = run->session->library;
    release_values(library, run->inputs, run->session->sides[belay_inputs].count);
    release_values(library, run->outputs, run->output_count);
    free(run);
}

// An input that is set twice would lose the first value.
static int32_t make_input(
    belay_run *run, size_t index, int32_t element, const int64_t *shape, size_t rank, char *reason,
    size_t capacity) {
    const belay_onnx *library = run->session->library;
    if (index >= run->session->sides[belay_inputs].count || run->inputs[index] != NULL)
        return belay_refuse("no such input, or it is set already", reason, capacity);
    return belay_settle(
        library,
        CALL(
            library, CreateTensorAsOrtValue, (OrtAllocator *, const int64_t *, size_t, int32_t, OrtValue **),
            library->allocator, shape, rank, element, &run->inputs[index]),
        reason, capacity);
}

int32_t belay_run_input(
    belay_run *run, size_t index, int32_t element, const int64_t *shape, size_t rank, void **data,
    char *reason, size_t capacity) {
    const belay_onnx *library = run->session->library;
    if (element == element_string) return belay_refuse("strings have their own call", reason, capacity);
    int32_t code = make_input(run, index, element, shape, rank, reason, capacity);
    if (code != 0) return code;
    return belay_settle(
        library, CALL(library, GetTensorMutableData, (OrtValue *, void **), run->inputs[index], data), reason,
        capacity);
}

int32_t belay_run_input_strings(
    belay_run *run, size_t index, const int64_t *shape, size_t rank, const char *text,
    const size_t *lengths, size_t count, char *reason, size_t capacity) {
    const belay_onnx *library = run->session->library;
    int32_t code = make_input(run, index, element_string, shape, rank, reason, capacity);
    // By buffer and not by C string: a string may hold a NUL.
    for (size_t i = 0; code == 0 && i < count; i++) {
        char *buffer = NULL;
        OrtStatus *status = CALL(
            library, GetResizedStringTensorElementBuffer, (OrtValue *, size_t, size_t, char **),
            run->inputs[index], i, lengths[i], &buffer);
        code = belay_settle(library, status, reason, capacity);
        if (code == 0 && lengths[i] > 0) memcpy(buffer, text, lengths[i]);
        text += lengths[i];
    }
    return code;
}

// Collects names by position; `names` has room for `count`.
static void name_ports(const belay_ports *side, const size_t *indices, size_t count, const char **names) {
    for (size_t i = 0; i < count; i++) names[i] = side->ports[indices == NULL ? i : indices[i]].name;
}

int32_t belay_run_execute(
    belay_run *run, belay_stop *stop, const size_t *wanted, size_t count, char *reason, size_t capacity) {
    const belay_onnx *library = run->session->library;
    const belay_ports *inputs = &run->session->sides[belay_inputs];
    const belay_ports *outputs = &run->session->sides[belay_outputs];
    if (run->output_count != 0 || count > outputs->count)
        return belay_refuse("executed twice, or too many outputs asked for", reason, capacity);
    for (size_t i = 0; i < count; i++)
        if (wanted[i] >= outputs->count) return belay_refuse("no such output", reason, capacity);
    for (size_t i = 0; i < inputs->count; i++)
        if (run->inputs[i] == NULL) return belay_refuse("an input is not set", reason, capacity);
    const char **names = calloc(inputs->count + count + 1, sizeof *names);
    if (names == NULL) return belay_refuse("out of memory", reason, capacity);
    name_ports(inputs, NULL, inputs->count, names);
    name_ports(outputs, wanted, count, names + inputs->count);
    OrtStatus *status = CALL(
        library, Run,
        (OrtSession *, const OrtRunOptions *, const char *const *, const OrtValue *const *, size_t,
         const char *const *, size_t, OrtValue **),
        run->session->session, stop->options, names, (const OrtValue *const *)run->inputs, inputs->count,
        names + inputs->count, count, run->outputs);
    free(names);
    run->output_count = count;
    return belay_settle(library, status, reason, capacity);
}

// The caller releases `info`.
static OrtStatus *describe(belay_run *run, size_t position, OrtTensorInfo **info) {
    return CALL(
        run->session->library, GetTensorTypeAndShape, (const OrtValue *, OrtTensorInfo **),
        run->outputs[position], info);
}

int32_t belay_run_output(
    belay_run *run, size_t position, int32_t *element, size_t *rank, char *reason, size_t capacity) {
    const belay_onnx *library = run->session->library;
    *element = 0;
    *rank = 0;
    if (position >= run->output_count || run->outputs[position] == NULL)
        return belay_refuse("the model gave no value", reason, capacity);
    int is_tensor = 0;
    OrtStatus *status =
        CALL(library, IsTensor, (const OrtValue *, int *), run->outputs[position], &is_tensor);
    if (status != NULL || !is_tensor) return belay_settle(library, status, reason, capacity);
    OrtTensorInfo *info = NULL;
    status = describe(run, position, &info);
    if (status != NULL) return belay_settle(library, status, reason, capacity);
    status = CALL(library, GetTensorElementType, (const OrtTensorInfo *, int32_t *), info, element);
    if (status == NULL)
        status = CALL(library, GetDimensionsCount, (const OrtTensorInfo *, size_t *), info, rank);
    RELEASE(library, ReleaseTensorTypeAndShapeInfo, info);
    return belay_settle(library, status, reason, capacity);
}

int32_t belay_run_output_shape(
    belay_run *run, size_t position, int64_t *shape, size_t rank, char *reason, size_t capacity) {
    const belay_onnx *library = run->session->library;
    OrtTensorInfo *info = NULL;
    OrtStatus *status = describe(run, position, &info);
    if (status != NULL) return belay_settle(library, status, reason, capacity);
    status = CALL(library, GetDimensions, (const OrtTensorInfo *, int64_t *, size_t), info, shape, rank);
    RELEASE(library, ReleaseTensorTypeAndShapeInfo, info);
    return belay_settle(library, status, reason, capacity);
}

int32_t belay_run_output_data(
    belay_run *run, size_t position, const void **data, char *reason, size_t capacity) {
    const belay_onnx *library = run->session->library;
    return belay_settle(
        library,
        CALL(library, GetTensorMutableData, (OrtValue *, const void **), run->outputs[position], data), reason,
        capacity);
}

int32_t belay_run_output_text_size(
    belay_run *run, size_t position, size_t *bytes, char *reason, size_t capacity) {
    const belay_onnx *library = run->session->library;
    return belay_settle(
        library,
        CALL(library, GetStringTensorDataLength, (const OrtValue *, size_t *), run->outputs[position], bytes),
        reason, capacity);
}

int32_t belay_run_output_text(
    belay_run *run, size_t position, char *text, size_t bytes, size_t *offsets, size_t count, char *reason,
    size_t capacity) {
    const belay_onnx *library = run->session->library;
    return belay_settle(
        library,
        CALL(
            library, GetStringTensorContent, (const OrtValue *, void *, size_t, size_t *, size_t),
            run->outputs[position], text, bytes, offsets, count),
        reason, capacity);
}
