/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>

#include "interrupt.h"

static volatile sig_atomic_t got;

static void note(int signal)
{
    got = signal;
}

/* One that is ignored stays so: nohup, or a job in the background. */
static void catch_one(int signal)
{
    struct sigaction before;
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = note;       /* without SA_RESTART: a read or a sleep is to end */
    if (sigaction(signal, NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
        sigaction(signal, &action, NULL);
    }
}

void ctl_interrupt_catch(void)
{
    catch_one(SIGINT);
    catch_one(SIGTERM);
    catch_one(SIGHUP);
}

int ctl_interrupt_got(void)
{
    return got;
}

void ctl_interrupt_forget(void)
{
    got = 0;
}

void ctl_interrupt_die(void)
{
    signal(got, SIG_DFL);
    raise(got);
}

apr_time_t ctl_interrupt_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}

/* A signal between the look and the sleep is not lost: it is let in by the sleep alone. */
void ctl_interrupt_sleep(apr_time_t until)
{
    apr_time_t left = until - ctl_interrupt_now();
    const struct timespec time = {
        .tv_sec = apr_time_sec(left), .tv_nsec = apr_time_usec(left) * 1000
    };
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!got && left > 0) {
        pselect(0, NULL, NULL, NULL, &time, &before);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
