/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <string.h>
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

void ctl_interrupt_sleep(apr_time_t until)
{
    const struct timespec end = {
        .tv_sec = apr_time_sec(until), .tv_nsec = apr_time_usec(until) * 1000
    };

    if (!got) {
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL);
    }
}
