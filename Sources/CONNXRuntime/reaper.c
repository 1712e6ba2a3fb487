#include "api.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

// Destroying a session of a large model takes long, and the last reference to it may fall anywhere, on an
// event loop too. So sessions are handed to one thread that has nothing else to do.

// What loading left between memory still in use goes back to the system too.
static void trim(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

static void *reap(void *argument) {
    belay_onnx *library = argument;
    for (;;) {
        pthread_mutex_lock(&library->retired_lock);
        while (library->retired == NULL) pthread_cond_wait(&library->retired_arrived, &library->retired_lock);
        belay_session *session = library->retired;
        library->retired = session->next_retired;
        pthread_mutex_unlock(&library->retired_lock);
        belay_session_destroy(session);
        trim();
    }
    return NULL;
}

int belay_reaper_start(belay_onnx *library) {
    pthread_t thread;
    pthread_mutex_init(&library->retired_lock, NULL);
    pthread_cond_init(&library->retired_arrived, NULL);
    int code = pthread_create(&thread, NULL, reap, library);
    if (code == 0) pthread_detach(thread);
    return code;
}

void belay_session_release(belay_session *session) {
    belay_onnx *library = session->library;
    pthread_mutex_lock(&library->retired_lock);
    session->next_retired = library->retired;
    library->retired = session;
    pthread_cond_signal(&library->retired_arrived);
    pthread_mutex_unlock(&library->retired_lock);
}
