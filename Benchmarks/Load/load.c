// Sends one fixed request over many keep-alive connections, and stamps each one.
//
//     cc -O2 -o load load.c && ./load --port 8000 --request request.http --connections 32 --seconds 5
//
// One thread, epoll, no dependencies. Each connection has one request in flight: the next one leaves when
// the answer is whole. A summary goes to standard output as one JSON object; `--records FILE` keeps every
// request: 32 bytes, little-endian, `struct "<QQiiHHI"`: sent_ns, done_ns (CLOCK_MONOTONIC), version by
// header, version by body (-1: none), status, outcome (0 answered, 1 lost, 2 timed out), connection.
//
// `sent_ns` is read before the first byte is handed to the kernel, so a request whose `sent_ns` lies after an
// instant was sent after it. A request is *lost* when its connection ends before its answer is whole. A
// connection that is refused is tried again every 10 ms; no request was sent, so none is lost.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    most_connections = 4096,
    most_head = 16384,
    most_line = 1024,
    most_marked = 16384,
    most_versions = 64,
    most_processes = 16,
    chunk_of_reading = 65536,
};

typedef enum {
    waiting, connecting, sending, head, body, chunk_line, chunk, chunk_end, trailer, to_end,
} phase;
typedef enum { answered = 0, lost = 1, timed_out = 2 } outcome;

typedef struct {
    int socket;
    uint32_t watched;  // the events that epoll reports
    phase phase;
    uint64_t due;     // when to connect or to send, while waiting
    uint64_t sent;    // when the request began to leave
    size_t written;   // of the request
    uint64_t left;    // bytes of the body or the chunk still to come
    int status;
    int closes;       // the server ends the connection after this answer
    int32_t version;  // by header, -1 when there was none
    size_t head_length;
    size_t marked_length;
    char *head;    // the head, later a line between chunks
    char *marked;  // the first bytes of the body, where the mark is looked for
} connection;

typedef struct {
    uint64_t sent, done;
    int32_t version, marked;
    uint16_t status, outcome;
    uint32_t connection;
} record;

// Microseconds in buckets that are at most 0.4 % wide.
enum { sub_buckets = 256, histogram_size = sub_buckets * 40 };

static struct {
    const char *host;
    int port;
    int connections;
    double seconds, warmup, timeout;
    uint64_t count;
    uint64_t pause_ns;
    const char *header;
    const char *mark;
    int processes[most_processes];
    int process_count;
} options = {
    .host = "127.0.0.1", .connections = 1, .seconds = 0, .timeout = 30, .header = "Belay-Version",
};

static char *request;
static size_t request_length;
static connection *connections;
static int poller;
static FILE *records;
static volatile sig_atomic_t told_to_stop;

static uint64_t begun, measured_from, started_requests;
static int stopping;
static struct {
    uint64_t requests, good, failed, lost, timed_out, refused;
    uint64_t by_class[6];
    uint64_t longest;
    uint64_t histogram[histogram_size];
    struct {
        int32_t version;
        uint64_t count;
    } versions[most_versions];
    int version_count;
} totals;

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void fail(const char *what) {
    fprintf(stderr, "load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(2);
}

// MARK: - Counting

static size_t bucket(uint64_t microseconds) {
    if (microseconds < sub_buckets) return microseconds;
    int shift = 63 - __builtin_clzll(microseconds) - 7;
    size_t index = (size_t)shift * (sub_buckets / 2) + (microseconds >> shift);
    return index < histogram_size ? index : histogram_size - 1;
}

// The middle of a bucket, in microseconds.
static double middle(size_t index) {
    if (index < sub_buckets) return (double)index;
    size_t shift = index / (sub_buckets / 2) - 1;
    size_t mantissa = index - shift * (sub_buckets / 2);
    return ((double)mantissa + 0.5) * (double)(1ull << shift);
}

static double percentile(double part) {
    uint64_t all = 0, seen = 0;
    for (size_t i = 0; i < histogram_size; i++) all += totals.histogram[i];
    for (size_t i = 0; i < histogram_size; i++) {
        seen += totals.histogram[i];
        if (seen > 0 && (double)seen >= part * (double)all) return middle(i);
    }
    return 0;
}

static void count_version(int32_t version) {
    int i = 0;
    while (i < totals.version_count && totals.versions[i].version != version) i++;
    if (i == most_versions) return;
    if (i == totals.version_count) totals.versions[totals.version_count++].version = version;
    totals.versions[i].count++;
}

// The number right behind the mark, or -1.
static int32_t marked_version(connection *c) {
    if (options.mark == NULL) return -1;
    char *found = memmem(c->marked, c->marked_length, options.mark, strlen(options.mark));
    if (found == NULL) return -1;
    c->marked[c->marked_length] = 0;
    char *end, *start = found + strlen(options.mark);
    long number = strtol(start, &end, 10);
    return end == start || number < 0 || number > INT32_MAX ? -1 : (int32_t)number;
}

static void conclude(connection *c, outcome how) {
    uint64_t done = now();
    int32_t marked = how == answered ? marked_version(c) : -1;
    record entry = {
        .sent = c->sent, .done = done, .version = how == answered ? c->version : -1, .marked = marked,
        .status = how == answered ? (uint16_t)c->status : 0, .outcome = (uint16_t)how,
        .connection = (uint32_t)(c - connections),
    };
    if (records != NULL && fwrite(&entry, sizeof entry, 1, records) != 1) fail("cannot write the records");
    if (c->sent < measured_from) return;
    totals.requests++;
    if (how == lost) totals.lost++;
    if (how == timed_out) totals.timed_out++;
    if (how != answered) return;
    if (c->status / 100 == 2) totals.good++; else totals.failed++;
    totals.by_class[c->status / 100 < 6 ? c->status / 100 : 0]++;
    count_version(options.mark != NULL ? marked : c->version);
    uint64_t microseconds = (done - c->sent) / 1000;
    totals.histogram[bucket(microseconds)]++;
    if (microseconds > totals.longest) totals.longest = microseconds;
}

// MARK: - Connections

static void watch(connection *c, uint32_t events, int change) {
    if (change == EPOLL_CTL_MOD && c->watched == events) return;
    c->watched = events;
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(poller, change, c->socket, &event) != 0) fail("epoll_ctl");
}

static void drop(connection *c, uint64_t due) {
    if (c->socket >= 0) close(c->socket);
    c->socket = -1;
    c->phase = waiting;
    c->due = due;
}

static int in_flight(const connection *c) { return c->phase >= sending; }

static void end(connection *c, outcome how) {
    if (in_flight(c)) conclude(c, how);
    drop(c, now());
}

static void transmit(connection *c) {
    while (c->written < request_length) {
        ssize_t n = send(c->socket, request + c->written, request_length - c->written, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
        // What the server said before it closed may still be readable: reading finds out.
        if (n < 0) break;
        c->written += (size_t)n;
    }
    c->phase = head;
    watch(c, EPOLLIN, EPOLL_CTL_MOD);
}

static void begin(connection *c) {
    c->written = c->head_length = c->marked_length = 0;
    c->status = 0;
    c->closes = 0;
    c->version = -1;
    c->phase = sending;
    started_requests++;
    c->sent = now();
    transmit(c);
}

static void start_connecting(connection *c) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    if (inet_pton(AF_INET, options.host, &address.sin_addr) != 1) fail("the host must be an IPv4 address");
    c->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->socket < 0) fail("socket");
    int one = 1;
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->phase = connecting;
    c->due = now() + 5000000000u;
    if (connect(c->socket, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) {
        totals.refused++;
        return drop(c, now() + 10000000);
    }
    watch(c, EPOLLOUT, EPOLL_CTL_ADD);
}

static void connected(connection *c) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(c->socket, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
        totals.refused++;
        return drop(c, now() + 10000000);
    }
    if (stopping) return drop(c, UINT64_MAX);
    begin(c);
}

static void finish(connection *c) {
    conclude(c, answered);
    if (c->closes) return drop(c, stopping ? UINT64_MAX : now());
    c->phase = waiting;
    c->due = now() + options.pause_ns;
}

// MARK: - Answers

// The value of a header in a head that ends with an empty line; NULL when it is not there.
static const char *header(const char *head, const char *name) {
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':')
            return line + length + 1 + strspn(line + length + 1, " \t");
    }
    return NULL;
}

static int has_word(const char *value, const char *word) {
    if (value == NULL) return 0;
    size_t length = strcspn(value, "\r\n");
    for (size_t i = 0; i + strlen(word) <= length; i++)
        if (strncasecmp(value + i, word, strlen(word)) == 0) return 1;
    return 0;
}

// Reads the head; returns 0 when it is not HTTP.
static int understand(connection *c) {
    c->head[c->head_length] = 0;
    if (strncmp(c->head, "HTTP/1.", 7) != 0) return 0;
    c->status = atoi(c->head + 9);
    if (c->status < 100 || c->status > 599) return 0;
    c->head_length = 0;
    if (c->status < 200) return 1;  // an interim answer; the head of the real one follows
    const char *version = header(c->head, options.header);
    c->version = version != NULL ? atoi(version + strspn(version, "vV")) : -1;
    c->closes = has_word(header(c->head, "Connection"), "close")
        || (c->head[7] == '0' && !has_word(header(c->head, "Connection"), "keep-alive"));
    const char *length = header(c->head, "Content-Length");
    if (c->status == 204 || c->status == 304) {
        c->left = 0;
        c->phase = body;
    } else if (has_word(header(c->head, "Transfer-Encoding"), "chunked")) {
        c->phase = chunk_line;
    } else if (length != NULL) {
        c->left = strtoull(length, NULL, 10);
        c->phase = body;
    } else {
        c->closes = 1;
        c->phase = to_end;
    }
    return 1;
}

// Takes bytes up to the end of a line into `head`; returns how many, or 0 when the line is too long.
static size_t take_line(connection *c, const char *bytes, size_t count, int *whole) {
    size_t taken = 0;
    *whole = 0;
    while (taken < count && !*whole) {
        if (c->head_length == most_line) return 0;
        c->head[c->head_length++] = bytes[taken];
        *whole = bytes[taken++] == '\n';
    }
    c->head[c->head_length] = 0;
    if (*whole) c->head_length = 0;
    return taken;
}

static size_t take_head(connection *c, const char *bytes, size_t count) {
    size_t taken = 0;
    while (taken < count && c->phase == head) {
        if (c->head_length == most_head) return 0;
        c->head[c->head_length++] = bytes[taken++];
        size_t n = c->head_length;
        if (n >= 4 && memcmp(c->head + n - 4, "\r\n\r\n", 4) == 0 && !understand(c)) return 0;
    }
    return taken;
}

static size_t take_body(connection *c, const char *bytes, size_t count) {
    size_t taken = c->phase == to_end || count < c->left ? count : (size_t)c->left;
    size_t room = most_marked - c->marked_length;
    size_t kept = taken < room ? taken : room;
    memcpy(c->marked + c->marked_length, bytes, kept);
    c->marked_length += kept;
    if (c->phase != to_end) c->left -= taken;
    return taken;
}

// Takes bytes of an answer; returns 0 when they make no sense.
static int take(connection *c, const char *bytes, size_t count) {
    int whole = 0;
    for (size_t used; count > 0; bytes += used, count -= used) {
        switch (c->phase) {
        case head: used = take_head(c, bytes, count); break;
        case body: case chunk: case to_end: used = take_body(c, bytes, count); break;
        default: used = take_line(c, bytes, count, &whole); break;
        }
        if (used == 0) return 0;
        if (c->phase == chunk && c->left == 0) {
            c->phase = chunk_end;
        } else if (whole && c->phase == chunk_end) {
            c->phase = chunk_line;
        } else if (whole && c->phase == chunk_line) {
            c->left = strtoull(c->head, NULL, 16);
            c->phase = c->left == 0 ? trailer : chunk;
        } else if (whole && c->phase == trailer && strcmp(c->head, "\r\n") == 0) {
            c->phase = body;
            c->left = 0;
        }
        whole = 0;
        if (c->phase == body && c->left == 0) {
            finish(c);
            return count == used;  // bytes behind an answer to the only request are nobody's
        }
    }
    return 1;
}

static void receive(connection *c) {
    static char bytes[chunk_of_reading];
    ssize_t n = recv(c->socket, bytes, sizeof bytes, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        if (n == 0 && c->phase == to_end) return finish(c);
        return end(c, lost);
    }
    if (c->phase == waiting) return drop(c, now());  // unasked bytes
    if (c->phase == sending) c->phase = head;        // an answer before the request is whole
    if (!take(c, bytes, (size_t)n)) end(c, lost);
}

// MARK: - The loop

static void act(connection *c, uint32_t events) {
    if (c->socket < 0) return;
    if (c->phase == connecting) return connected(c);
    if (events & EPOLLOUT && c->phase == sending) transmit(c);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
}

// Starts what is due and ends what took too long; returns how many milliseconds the loop may sleep.
static int attend(uint64_t time) {
    uint64_t next = time + 100000000;
    for (int i = 0; i < options.connections; i++) {
        connection *c = &connections[i];
        if (in_flight(c)) {
            if (time - c->sent > options.timeout * 1e9 && time > c->sent) end(c, timed_out);
        } else if (c->phase == connecting) {
            if (time > c->due) drop(c, time);
        } else if (!stopping && c->due <= time) {
            if (options.count > 0 && started_requests >= options.count) continue;
            if (c->socket < 0) start_connecting(c); else begin(c);
        } else if (!stopping && c->due < next) {
            next = c->due;
        }
    }
    return (int)((next - time + 999999) / 1000000);
}

static int anything_left(void) {
    for (int i = 0; i < options.connections; i++)
        if (in_flight(&connections[i])) return 1;
    return 0;
}

static uint64_t processor_time(void);

static void run(void) {
    struct epoll_event events[512];
    uint64_t last_look = 0, processors_from = 0, processors = 0;
    int sleep = 0, measuring = 0;
    begun = now();
    measured_from = begun + (uint64_t)(options.warmup * 1e9);
    for (;;) {
        uint64_t time = now();
        if (!measuring && time >= measured_from) {
            measuring = 1;
            processors_from = processor_time();
        }
        if (!stopping
            && (told_to_stop
                || (options.seconds > 0 && time - begun > (options.warmup + options.seconds) * 1e9)
                || (options.count > 0 && started_requests >= options.count))) {
            stopping = 1;
        }
        // Without pauses an answer starts the next request at once; looking at all is for the rest.
        if (options.pause_ns > 0 || stopping || time - last_look > 1000000) {
            sleep = attend(time);
            last_look = time;
        }
        if (stopping && !anything_left()) break;
        int limit = sleep < 10 ? sleep : 10;
        int count = epoll_wait(poller, events, 512, limit);
        for (int i = 0; i < count; i++) {
            connection *c = events[i].data.ptr;
            act(c, events[i].events);
            if (options.pause_ns == 0 && !stopping && c->phase == waiting && c->socket >= 0
                && (options.count == 0 || started_requests < options.count))
                begin(c);
        }
    }
    processors = processor_time() - processors_from;
    double seconds = (double)(now() - measured_from) / 1e9;
    printf(
        "{\"seconds\":%.3f,\"connections\":%d,\"requests\":%lu,\"good\":%lu,\"failed\":%lu,\"lost\":%lu,"
        "\"timed_out\":%lu,\"refused_connections\":%lu,\"per_second\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
        "\"max_us\":%lu,\"cpu_us_per_request\":%.2f,\"by_version\":{",
        seconds, options.connections, totals.requests, totals.good, totals.failed, totals.lost,
        totals.timed_out, totals.refused, (double)totals.requests / seconds, percentile(0.5),
        percentile(0.99), totals.longest,
        totals.requests ? (double)processors / 1000 / (double)totals.requests : 0);
    for (int i = 0; i < totals.version_count; i++)
        printf("%s\"%d\":%lu", i ? "," : "", totals.versions[i].version, totals.versions[i].count);
    printf("},\"by_class\":{");
    for (int i = 2, first = 1; i < 6; i++) {
        if (totals.by_class[i] == 0) continue;
        printf("%s\"%dxx\":%lu", first ? "" : ",", i, totals.by_class[i]);
        first = 0;
    }
    printf("}}\n");
}

// User and system time of the processes named, all their threads, in nanoseconds.
static uint64_t processor_time(void) {
    static const char fields[] = "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu";
    uint64_t ticks = 0;
    for (int i = 0; i < options.process_count; i++) {
        char path[64], text[1024];
        snprintf(path, sizeof path, "/proc/%d/stat", options.processes[i]);
        FILE *file = fopen(path, "r");
        if (file == NULL) continue;
        size_t n = fread(text, 1, sizeof text - 1, file);
        fclose(file);
        text[n] = 0;
        unsigned long user = 0, system = 0;
        char *behind_name = strrchr(text, ')');
        if (behind_name != NULL
            && sscanf(behind_name + 2, fields, &user, &system) == 2)
            ticks += user + system;
    }
    return ticks * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}

static void stop(int signal) {
    (void)signal;
    told_to_stop = 1;
}

static void read_request(const char *path) {
    enum { most = 64 << 20 };
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail("cannot open the request");
    request = malloc(most);
    if (request == NULL) fail("out of memory");
    request_length = fread(request, 1, most, file);
    fclose(file);
    if (request_length == 0 || request_length == most) fail("the request is empty or too long");
}

static const char usage[] =
    "usage: load --port N --request FILE (--seconds T | --count K)\n"
    "  [--host 127.0.0.1] [--connections 1] [--warmup 0] [--timeout 30] [--pause MICROSECONDS]\n"
    "  [--header Belay-Version]   header that names the version\n"
    "  [--mark TEXT]              the number behind TEXT in the body is the version\n"
    "  [--records FILE] [--pid PID ...]   --pid: cpu_us_per_request of these processes\n"
    "A request file holds the bytes as they are sent, head and body. SIGTERM and SIGINT end a run early.\n";

static void read_options(int count, char **words) {
    static const struct option names[] = {
        {"host", 1, 0, 'h'}, {"port", 1, 0, 'p'}, {"request", 1, 0, 'r'}, {"connections", 1, 0, 'c'},
        {"seconds", 1, 0, 's'}, {"count", 1, 0, 'k'}, {"warmup", 1, 0, 'w'}, {"timeout", 1, 0, 't'},
        {"pause", 1, 0, 'u'}, {"header", 1, 0, 'H'}, {"mark", 1, 0, 'm'}, {"records", 1, 0, 'o'},
        {"pid", 1, 0, 'P'}, {0},
    };
    for (int c; (c = getopt_long(count, words, "", names, NULL)) != -1;) {
        switch (c) {
        case 'h': options.host = optarg; break;
        case 'p': options.port = atoi(optarg); break;
        case 'r': read_request(optarg); break;
        case 'c': options.connections = atoi(optarg); break;
        case 's': options.seconds = atof(optarg); break;
        case 'k': options.count = strtoull(optarg, NULL, 10); break;
        case 'w': options.warmup = atof(optarg); break;
        case 't': options.timeout = atof(optarg); break;
        case 'u': options.pause_ns = strtoull(optarg, NULL, 10) * 1000; break;
        case 'H': options.header = optarg; break;
        case 'm': options.mark = optarg; break;
        case 'o':
            records = fopen(optarg, "wb");
            if (records == NULL) fail("cannot write the records");
            break;
        case 'P':
            if (options.process_count == most_processes) fail("too many --pid");
            options.processes[options.process_count++] = atoi(optarg);
            break;
        default: fputs(usage, stderr); exit(64);
        }
    }
    if (request == NULL || options.port < 1 || options.port > 65535 || options.connections < 1
        || options.connections > most_connections || (options.seconds <= 0 && options.count == 0)) {
        fputs(usage, stderr);
        exit(64);
    }
}

int main(int count, char **words) {
    read_options(count, words);
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    poller = epoll_create1(EPOLL_CLOEXEC);
    connections = calloc((size_t)options.connections, sizeof *connections);
    if (poller < 0 || connections == NULL) fail("cannot start");
    for (int i = 0; i < options.connections; i++) {
        connections[i].socket = -1;
        connections[i].head = malloc(most_head + 1);
        connections[i].marked = malloc(most_marked + 1);
        if (connections[i].head == NULL || connections[i].marked == NULL) fail("out of memory");
    }
    run();
    if (records != NULL && fclose(records) != 0) fail("cannot write the records");
    return 0;
}
