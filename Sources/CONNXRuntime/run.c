#include "api.h"

#include <stdlib.h>
#include <string.h>

// An input of a run. Its value stays after the request when it is small, and takes the bytes of the next one
// that has the same type and shape.
typedef struct {
    int is_set;
    int32_t element;
    size_t rank;
    int64_t shape[belay_most_dimensions];
    size_t size;
    // Where the elements lie; NULL for strings, whose values are never kept.
    void *data;
} belay_input;

// Inputs, values and names are indexed as the session's inputs are; the names of the outputs wanted follow.
struct belay_run {
    belay_session *session;
    OrtRunOptions *options;
    belay_input *inputs;
    OrtValue **values;
    const char **names;
    OrtValue **outputs;
    size_t output_count;
    // Of the output described last.
    int64_t shape[belay_most_dimensions];
};

enum { element_string = 8, most_bytes_kept = 1 << 18 };

belay_run *belay_run_create(belay_session *session, char *reason, size_t capacity) {
    belay_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        belay_refuse("out of memory", reason, capacity);
        return NULL;
    }
    run->session = session;
    const belay_ports *inputs = &session->sides[belay_inputs];
    size_t count = session->sides[belay_outputs].count;
    // One more than needed, because calloc(0) may be NULL.
    run->inputs = calloc(inputs->count + 1, sizeof *run->inputs);
    run->values = calloc(inputs->count + 1, sizeof *run->values);
    run->names = calloc(inputs->count + count + 1, sizeof *run->names);
    run->outputs = calloc(count + 1, sizeof *run->outputs);
    int32_t code = 0;
    if (run->inputs == NULL || run->values == NULL || run->names == NULL || run->outputs == NULL)
        code = belay_refuse("out of memory", reason, capacity);
    if (code == 0)
        code = belay_settle(
            session->library, CALL(session->library, CreateRunOptions, (OrtRunOptions **), &run->options),
            reason, capacity);
    if (code != 0) {
        belay_run_release(run);
        return NULL;
    }
    for (size_t i = 0; i < inputs->count; i++) run->names[i] = inputs->ports[i].name;
    return run;
}

static void drop(const belay_onnx *library, OrtValue **value) {
    if (*value != NULL) RELEASE(library, ReleaseValue, *value);
    *value = NULL;
}

static void drop_outputs(belay_run *run) {
    for (size_t i = 0; i < run->output_count; i++) drop(run->session->library, &run->outputs[i]);
    run->output_count = 0;
}

void belay_run_release(belay_run *run) {
    const belay_onnx *library = run->session->library;
    drop_outputs(run);
    if (run->values != NULL)
        for (size_t i = 0; i < run->session->sides[belay_inputs].count; i++) drop(library, &run->values[i]);
    if (run->options != NULL) RELEASE(library, ReleaseRunOptions, run->options);
    free(run->inputs);
    free(run->values);
    free(run->names);
    free(run->outputs);
    free(run);
}

void belay_run_clear(belay_run *run) {
    drop_outputs(run);
    size_t kept = 0;
    for (size_t i = 0; i < run->session->sides[belay_inputs].count; i++) {
        belay_input *input = &run->inputs[i];
        input->is_set = 0;
        if (input->data == NULL || input->size > most_bytes_kept - kept) {
            input->data = NULL;
            drop(run->session->library, &run->values[i]);
        } else {
            kept += input->size;
        }
    }
}

void belay_run_stop(belay_run *run) {
    const belay_onnx *library = run->session->library;
    OrtStatus *status = CALL(library, RunOptionsSetTerminate, (OrtRunOptions *), run->options);
    if (status != NULL) RELEASE(library, ReleaseStatus, status);
}

// Makes a value for the input at `index`. One that is set twice would lose the first.
static int32_t make_input(
    belay_run *run, size_t index, int32_t element, const int64_t *shape, size_t rank, char *reason,
    size_t capacity) {
    const belay_onnx *library = run->session->library;
    belay_input *input = &run->inputs[index];
    if (index >= run->session->sides[belay_inputs].count || input->is_set)
        return belay_refuse("no such input, or it is set already", reason, capacity);
    if (rank > belay_most_dimensions) return belay_refuse("too many dimensions", reason, capacity);
    input->is_set = 1;
    if (input->data != NULL && input->element == element && input->rank == rank &&
        memcmp(input->shape, shape, rank * sizeof *shape) == 0)
        return 0;
    input->data = NULL;
    drop(library, &run->values[index]);
    input->element = element;
    input->rank = rank;
    memcpy(input->shape, shape, rank * sizeof *shape);
    return belay_settle(
        library,
        CALL(
            library, CreateTensorAsOrtValue, (OrtAllocator *, const int64_t *, size_t, int32_t, OrtValue **),
            library->allocator, shape, rank, element, &run->values[index]),
        reason, capacity);
}

int32_t belay_run_input(
    belay_run *run, size_t index, int32_t element, const int64_t *shape, size_t rank, const void *bytes,
    size_t size, char *reason, size_t capacity) {
    const belay_onnx *library = run->session->library;
    if (element == element_string) return belay_refuse("strings have their own call", reason, capacity);
    int32_t code = make_input(run, index, element, shape, rank, reason, capacity);
    if (code != 0) return code;
    belay_input *input = &run->inputs[index];
    if (input->data == NULL) {
        code = belay_settle(
            library,
            CALL(library, GetTensorMutableData, (OrtValue *, void **), run->values[index], &input->data), reason,
            capacity);
        input->size = size;
    }
    if (code == 0 && size > 0) memcpy(input->data, bytes, size);
    return code;
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
            run->values[index], i, lengths[i], &buffer);
        code = belay_settle(library, status, reason, capacity);
        if (code == 0 && lengths[i] > 0) memcpy(buffer, text, lengths[i]);
        text += lengths[i];
    }
    return code;
}

int32_t belay_run_execute(
    belay_run *run, const size_t *wanted, size_t count, char *reason, size_t capacity) {
    const belay_onnx *library = run->session->library;
    size_t given = run->session->sides[belay_inputs].count;
    const belay_ports *outputs = &run->session->sides[belay_outputs];
    if (run->output_count != 0 || count > outputs->count)
        return belay_refuse("executed twice, or too many outputs asked for", reason, capacity);
    for (size_t i = 0; i < given; i++)
        if (!run->inputs[i].is_set) return belay_refuse("an input is not set", reason, capacity);
    for (size_t i = 0; i < count; i++) {
        if (wanted[i] >= outputs->count) return belay_refuse("no such output", reason, capacity);
        run->names[given + i] = outputs->ports[wanted[i]].name;
    }
    OrtStatus *status = CALL(
        library, Run,
        (OrtSession *, const OrtRunOptions *, const char *const *, const OrtValue *const *, size_t,
         const char *const *, size_t, OrtValue **),
        run->session->session, run->options, run->names, (const OrtValue *const *)run->values, given,
        run->names + given, count, run->outputs);
    run->output_count = count;
    return belay_settle(library, status, reason, capacity);
}

// Fills in type, rank and, if they are not too many, dimensions.
static OrtStatus *describe(
    const belay_onnx *library, const OrtValue *value, int32_t *element, size_t *rank, int64_t *shape) {
    OrtTensorInfo *info = NULL;
    OrtStatus *status =
        CALL(library, GetTensorTypeAndShape, (const OrtValue *, OrtTensorInfo **), value, &info);
    if (status != NULL) return status;
    status = CALL(library, GetTensorElementType, (const OrtTensorInfo *, int32_t *), info, element);
    if (status == NULL)
        status = CALL(library, GetDimensionsCount, (const OrtTensorInfo *, size_t *), info, rank);
    if (status == NULL && *rank <= belay_most_dimensions)
        status =
            CALL(library, GetDimensions, (const OrtTensorInfo *, int64_t *, size_t), info, shape, *rank);
    RELEASE(library, ReleaseTensorTypeAndShapeInfo, info);
    return status;
}

int32_t belay_run_output(
    belay_run *run, size_t position, int32_t *element, const int64_t **shape, size_t *rank,
    const void **data, char *reason, size_t capacity) {
    const belay_onnx *library = run->session->library;
    *element = 0;
    *rank = 0;
    *shape = run->shape;
    *data = NULL;
    if (position >= run->output_count || run->outputs[position] == NULL)
        return belay_refuse("the model gave no value", reason, capacity);
    OrtValue *value = run->outputs[position];
    int is_tensor = 0;
    OrtStatus *status = CALL(library, IsTensor, (const OrtValue *, int *), value, &is_tensor);
    if (status == NULL && is_tensor) status = describe(library, value, element, rank, run->shape);
    if (status == NULL && is_tensor && *element != element_string)
        status = CALL(library, GetTensorMutableData, (OrtValue *, const void **), value, data);
    if (status == NULL && *rank > belay_most_dimensions)
        return belay_refuse("it has too many dimensions", reason, capacity);
    return belay_settle(library, status, reason, capacity);
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
