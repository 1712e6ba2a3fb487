// The floor of the hardware: an HTTP server that does only what no server can leave out.
//
//     cc -O2 -o ceiling ceiling.c -ldl
//     ./ceiling 8000 1                                   # answers a constant: the upstream of a proxy
//     ./ceiling 8000 1 libonnxruntime.so model.onnx      # runs a model: the ceiling of an inference server
//
// One thread, epoll, keep-alive. It trusts its caller: one FP32 input `input` of [-1,30], outputs `label`
// (INT64) and `probabilities` (FP32, [-1,2]), `Content-Length` bodies only, no limits, no timeouts. Numbers
// that a double holds exactly are read by hand, the others by strtod. `Inference-Header-Content-Length` means
// that the floats follow the JSON as bytes, and that the answer is binary too. Never put it on a network.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { features = 30, most_rows = 1024, most_request = 1 << 20, most_answer = 1 << 17 };

typedef struct {
    int socket;
    size_t length;
    char bytes[most_request + 1];
} connection;

static const char *version;
static float inputs[most_rows * features];

// MARK: - ONNX Runtime, by the index of each function in its table

typedef void (*function)(void);
static const function *api;
static void *environment, *session, *memory;

enum {
    GetErrorMessage = 2, CreateSession = 7, Run = 9, CreateSessionOptions = 10, SetIntraOpNumThreads = 24,
    SetInterOpNumThreads = 25, CreateTensorWithDataAsOrtValue = 49, GetTensorMutableData = 51,
    CreateCpuMemoryInfo = 69, ReleaseStatus = 93, ReleaseValue = 96, CreateEnv = 3, element_float = 1,
    log_errors = 3, arena = 1, default_memory = 0, api_version = 17,
};

#define CALL(index, type, ...) check(((void *(*)type)api[index])(__VA_ARGS__))

static void check(void *status) {
    if (status == NULL) return;
    fprintf(stderr, "ceiling: %s\n", ((const char *(*)(void *))api[GetErrorMessage])(status));
    exit(1);
}

static void load(const char *library, const char *model) {
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    struct base { const function *(*api)(uint32_t); } *(*base)(void) = NULL;
    if (handle != NULL) *(void **)&base = dlsym(handle, "OrtGetApiBase");
    if (base == NULL) {
        fprintf(stderr, "ceiling: no ONNX Runtime: %s\n", dlerror());
        exit(1);
    }
    api = base()->api(api_version);
    void *options;
    CALL(CreateEnv, (int, const char *, void **), log_errors, "ceiling", &environment);
    CALL(CreateSessionOptions, (void **), &options);
    CALL(SetIntraOpNumThreads, (void *, int), options, 1);
    CALL(SetInterOpNumThreads, (void *, int), options, 1);
    CALL(CreateSession, (void *, const char *, void *, void **), environment, model, options, &session);
    CALL(CreateCpuMemoryInfo, (int, int, void **), arena, default_memory, &memory);
}

// Runs the model over `inputs`; what it returns lives until `finish`.
static void run(size_t rows, void *values[2], int64_t **labels, float **probabilities) {
    static const char *names[] = {"input"}, *outputs[] = {"label", "probabilities"};
    int64_t shape[] = {(int64_t)rows, features};
    void *input = NULL;
    CALL(
        CreateTensorWithDataAsOrtValue, (void *, void *, size_t, const int64_t *, size_t, int, void **),
        memory, inputs, rows * features * sizeof(float), shape, 2, element_float, &input);
    CALL(
        Run,
        (void *, void *, const char *const *, void *const *, size_t, const char *const *, size_t, void **),
        session, NULL, names, &input, 1, outputs, 2, values);
    CALL(GetTensorMutableData, (void *, void **), values[0], (void **)labels);
    CALL(GetTensorMutableData, (void *, void **), values[1], (void **)probabilities);
    ((void (*)(void *))api[ReleaseValue])(input);
}

static void finish(void *values[2]) {
    for (int i = 0; i < 2; i++) ((void (*)(void *))api[ReleaseValue])(values[i]);
}

// MARK: - Numbers

// Reads one number and moves behind it: exact by hand up to 15 digits and 10^22, else by strtod.
static double number(const char **text) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *p = *text;
    int negative = *p == '-', digits = 0, behind = 0;
    uint64_t value = 0;
    for (p += negative; *p >= '0' && *p <= '9'; p++, digits++) value = value * 10 + (uint64_t)(*p - '0');
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++, digits++, behind++) value = value * 10 + (uint64_t)(*p - '0');
    if (digits > 15 || behind > 22 || *p == 'e' || *p == 'E') return strtod(*text, (char **)text);
    *text = p;
    double result = (double)value / powers[behind];
    return negative ? -result : result;
}

// Fills `inputs` from the JSON array behind `"data"`, nested or flat; returns the number of floats.
static size_t read_json(const char *body) {
    const char *p = strstr(body, "\"data\"");
    size_t count = 0;
    if (p == NULL) return 0;
    for (p += strcspn(p, "["); count < most_rows * features; count++) {
        p += strspn(p, "[, \n\r\t]");
        if (*p != '-' && (*p < '0' || *p > '9')) break;
        inputs[count] = (float)number(&p);
    }
    return count;
}

// MARK: - HTTP

static char answer[most_answer], content[most_answer];

static void transmit(connection *c, size_t head, size_t body) {
    memcpy(answer + head, content, body);
    // The kernel's buffer takes the answer whole: the caller waits for it before it sends again.
    if (send(c->socket, answer, head + body, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
        perror("ceiling");
}

static size_t json(size_t rows, const int64_t *labels, const float *probabilities) {
    size_t n = (size_t)sprintf(
        content,
        "{\"model_name\":\"gbdt\",\"model_version\":\"%s\",\"outputs\":[{\"name\":\"label\",\"datatype\":"
        "\"INT64\",\"shape\":[%zu],\"data\":[",
        version, rows);
    for (size_t i = 0; i < rows; i++)
        n += (size_t)sprintf(content + n, "%s%ld", i ? "," : "", (long)labels[i]);
    n += (size_t)sprintf(
        content + n,
        "]},{\"name\":\"probabilities\",\"datatype\":\"FP32\",\"shape\":[%zu,2],\"data\":[", rows);
    for (size_t i = 0; i < rows * 2; i++)
        n += (size_t)sprintf(content + n, "%s%.9g", i ? "," : "", (double)probabilities[i]);
    return n + (size_t)sprintf(content + n, "]}]}");
}

static size_t binary(size_t rows, const int64_t *labels, const float *probabilities, size_t *header) {
    size_t n = (size_t)sprintf(
        content,
        "{\"model_name\":\"gbdt\",\"model_version\":\"%s\",\"outputs\":[{\"name\":\"label\",\"datatype\":"
        "\"INT64\",\"shape\":[%zu],\"parameters\":{\"binary_data_size\":%zu}},{\"name\":\"probabilities\","
        "\"datatype\":\"FP32\",\"shape\":[%zu,2],\"parameters\":{\"binary_data_size\":%zu}}]}",
        version, rows, rows * 8, rows, rows * 8);
    *header = n;
    memcpy(content + n, labels, rows * 8);
    memcpy(content + n + rows * 8, probabilities, rows * 8);
    return n + rows * 16;
}

static void reply(connection *c, const char *head, const char *body, size_t length) {
    static const char format[] =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nBelay-Version: %s\r\n"
        "Content-Length: %zu\r\n\r\n";
    if (session == NULL) {
        size_t n = (size_t)sprintf(
            content, "{\"outputs\":[{\"name\":\"y\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[%s.0]}]}",
            version);
        return transmit(c, (size_t)sprintf(answer, format, version, n), n);
    }
    const char *found = strcasestr(head, "\r\nInference-Header-Content-Length:");
    size_t start = found != NULL ? strtoull(found + 34, NULL, 10) : 0, n, header;
    size_t count = found != NULL ? (length - start) / sizeof(float) : read_json(body);
    if (found != NULL) memcpy(inputs, body + start, count * sizeof(float));
    void *values[2] = {NULL, NULL};
    int64_t *labels;
    float *probabilities;
    run(count / features, values, &labels, &probabilities);
    size_t head_length;
    if (found != NULL) {
        n = binary(count / features, labels, probabilities, &header);
        head_length = (size_t)sprintf(
            answer,
            "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nBelay-Version: %s\r\n"
            "Inference-Header-Content-Length: %zu\r\nContent-Length: %zu\r\n\r\n",
            version, header, n);
    } else {
        n = json(count / features, labels, probabilities);
        head_length = (size_t)sprintf(answer, format, version, n);
    }
    finish(values);
    transmit(c, head_length, n);
}

// Answers when the request is whole; returns 0 when the connection has ended.
static int receive(connection *c) {
    ssize_t n = recv(c->socket, c->bytes + c->length, most_request - c->length, 0);
    if (n < 0 && errno == EAGAIN) return 1;
    if (n <= 0) return 0;
    c->length += (size_t)n;
    c->bytes[c->length] = 0;
    char *body = strstr(c->bytes, "\r\n\r\n");
    if (body == NULL) return c->length < most_request;
    body[2] = 0;  // the head ends here for those who search it
    const char *found = strcasestr(c->bytes, "\r\nContent-Length:");
    size_t length = found != NULL ? strtoull(found + 17, NULL, 10) : 0;
    body[2] = '\r';
    body += 4;
    if (length > most_request) return 0;
    if (c->length < (size_t)(body - c->bytes) + length) return c->length < most_request;
    body[-2] = 0;
    reply(c, c->bytes, body, length);
    c->length = 0;
    return 1;
}

static void accept_from(int listener, int poller) {
    int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
    connection *c = socket >= 0 ? malloc(sizeof *c) : NULL;
    if (c == NULL) return;
    c->socket = socket;
    c->length = 0;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event);
}

int main(int count, char **words) {
    if (count != 3 && count != 5) {
        fputs("usage: ceiling PORT VERSION [LIBRARY MODEL]\n", stderr);
        return 64;
    }
    version = words[2];
    if (count == 5) load(words[3], words[4]);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, poller = epoll_create1(0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[1])),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1024) != 0) {
        perror("ceiling");
        return 1;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            connection *c = events[i].data.ptr;
            if (c == NULL) {
                accept_from(listener, poller);
            } else if (!receive(c)) {
                close(c->socket);
                free(c);
            }
        }
    }
}
