/* A clock that is wrong: adds the seconds that stand in $CLOCKS/ROLE to the time of day.

   Preloaded into the programs of a site. Their role is told by their command line, once; the
   number may change at any time, and changes for a process and what it forked at once. The clocks
   that only measure durations go on as they are, as they do when somebody sets a machine's. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile long long *shift;
static int (*real)(clockid_t, struct timespec *);

static const char *role(void) {
    static char line[4096];
    int file = open("/proc/self/cmdline", O_RDONLY);
    ssize_t length = file < 0 ? 0 : read(file, line, sizeof line - 1);
    if (file >= 0) close(file);
    for (ssize_t at = 0; at < length; at++) if (!line[at]) line[at] = ' ';
    if (strstr(line, "gunicorn")) return "web";
    if (strstr(line, "rqworker")) return "worker";
    if (strstr(line, "reconcile")) return "reconcile";
    return 0;
}

__attribute__((constructor)) static void begin(void) {
    char path[4096];
    const char *folder = getenv("CLOCKS"), *name = role();
    real = dlsym(RTLD_NEXT, "clock_gettime");
    if (!folder || !name) return;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, O_RDONLY);
    if (file < 0) return;
    void *found = mmap(0, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
    if (found != MAP_FAILED) shift = found;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    if (!failed && shift && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += *shift;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where) *where = now.tv_sec;
    return now.tv_sec;
}
