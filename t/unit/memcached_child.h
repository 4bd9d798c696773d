/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEMCACHED_CHILD_H
#define MEMCACHED_CHILD_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/** Real memcached servers, and one that answers nonsense, as children on free ports. */

#define CHILD_ARGS 8
#define CHILD_WAIT 30000        /* ms until a server must be there; loaded machines are slow */

typedef struct {
    pid_t pid;                  /* 0: it does not run */
    int port;
    const char *address;        /* NULL: 127.0.0.1 */
    char path[64];              /* of a socket instead; "": none */
    const char *args[CHILD_ARGS];
} child_t;

static inline socklen_t child_sockaddr(const child_t *child, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    struct sockaddr_un *un = (struct sockaddr_un *)out;

    memset(out, 0, sizeof(*out));
    if (child->path[0]) {
        un->sun_family = AF_UNIX;
        strcpy(un->sun_path, child->path);
        return sizeof(*un);
    }
    if (child->address) {
        v6->sin6_family = AF_INET6;
        v6->sin6_addr = in6addr_loopback;
        v6->sin6_port = htons((unsigned short)child->port);
        return sizeof(*v6);
    }
    v4->sin_family = AF_INET;
    v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v4->sin_port = htons((unsigned short)child->port);
    return sizeof(*v4);
}

static inline int child_connect(const child_t *child)
{
    struct sockaddr_storage address;
    socklen_t len = child_sockaddr(child, &address);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, len) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A listening socket on a port that the kernel chooses. */
static inline int child_listen(child_t *child)
{
    struct sockaddr_storage address;
    socklen_t len;
    int fd;

    child->port = 0;
    len = child_sockaddr(child, &address);
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 16) != 0) {
        return -1;
    }
    getsockname(fd, (struct sockaddr *)&address, &len);
    child->port = ntohs(address.ss_family == AF_INET6
                        ? ((struct sockaddr_in6 *)&address)->sin6_port
                        : ((struct sockaddr_in *)&address)->sin_port);
    return fd;
}

static inline void child_exec(const child_t *child)
{
    const char *argv[20] = { "memcached", "-U", "0", "-t", "1", "-u",
                             getuid() == 0 ? "nobody" : "-" };
    char port[16];
    int n = 7;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (child->path[0]) {
        argv[n++] = "-s";
        argv[n++] = child->path;
        argv[n++] = "-a";
        argv[n++] = "0777";
    }
    else {
        sprintf(port, "%d", child->port);
        argv[n++] = "-l";
        argv[n++] = child->address ? child->address : "127.0.0.1";
        argv[n++] = "-p";
        argv[n++] = port;
    }
    for (int i = 0; i < CHILD_ARGS && child->args[i]; i++) {
        argv[n++] = child->args[i];
    }
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

/* Say something by hand, as nc does. Its answer, until that is whole or nothing more comes. */
static inline const char *child_say(const child_t *child, const char *text)
{
    static char answer[4096];
    struct pollfd ready = { .fd = child_connect(child), .events = POLLIN };
    size_t len = 0;
    ssize_t got;

    if (ready.fd < 0 || write(ready.fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        return "(no connection)";
    }
    do {
        got = poll(&ready, 1, len ? 300 : CHILD_WAIT) == 1
              ? read(ready.fd, answer + len, sizeof(answer) - 1 - len) : 0;
        len += got > 0 ? (size_t)got : 0;
        answer[len] = '\0';
    } while (got > 0 && !strstr(answer, "END\r\n") && !strstr(answer, "STORED\r\n")
             && !strstr(answer, "OK\r\n"));
    close(ready.fd);
    return answer;
}

/* Wait for it. 0: it is there; -1: it has ended, for somebody has its port, or is too slow. */
static inline int child_await(child_t *child)
{
    const struct timespec pause = { 0, 5000000 };
    char it[32];

    sprintf(it, "STAT pid %d\r", (int)child->pid);
    for (int i = 0; i < CHILD_WAIT / 5; i++) {
        if (waitpid(child->pid, NULL, WNOHANG) == child->pid) {
            child->pid = 0;
            return -1;
        }
        if (strstr(child_say(child, "stats\r\n"), it)) {
            return 0;
        }
        nanosleep(&pause, NULL);
    }
    return -1;
}

/* Start it on the port it had, or on one below those that the kernel gives to connections.
 * 0: it is there. */
static inline int child_start(child_t *child)
{
    int is_new = child->port == 0 && !child->path[0];

    for (int attempt = 0; attempt < 10; attempt++) {
        if (is_new) {
            child->port = 10000 + (int)((unsigned)(getpid() * 31 + clock() + attempt * 997) % 22000);
        }
        child->pid = fork();
        if (child->pid == 0) {
            child_exec(child);
        }
        if (child_await(child) == 0) {
            return 0;
        }
        if (child->pid) {
            return -1;
        }
    }
    return -1;
}

static inline void child_kill(child_t *child)
{
    if (child->pid > 0) {
        kill(child->pid, SIGCONT);
        kill(child->pid, SIGKILL);
        waitpid(child->pid, NULL, 0);
    }
    child->pid = 0;
}

/* Stop it, and be sure that it has stopped. */
static inline void child_stop(const child_t *child)
{
    kill(child->pid, SIGSTOP);
    waitpid(child->pid, NULL, WUNTRACED);
}

/* What the child of child_babble() does. */
static inline void child_serve(int fd, const char *to_get, const char *to_set, int drip)
{
    const struct timespec second = { drip, 0 };
    char line[70000];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int client = accept(fd, NULL, NULL);

        while (read(client, line, sizeof(line)) > 0) {
            const char *answer = line[0] == 'g' ? to_get : to_set;

            for (const char *c = answer; drip && *c; c++) {
                if (write(client, c, 1) != 1) {
                    break;
                }
                nanosleep(&second, NULL);
            }
            if (!drip && *answer && write(client, answer, strlen(answer)) < 0) {
                break;
            }
        }
        close(client);
    }
}

/* A server that always says the same, one byte every drip seconds if that is not 0. */
static inline int child_babble(child_t *child, const char *to_get, const char *to_set, int drip)
{
    int fd = child_listen(child);

    child->pid = fd < 0 ? -1 : fork();
    if (child->pid == 0) {
        child_serve(fd, to_get, to_set, drip);
    }
    close(fd);
    return child->pid > 0 ? 0 : -1;
}

#endif
