/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_INTERRUPT_H
#define CTL_INTERRUPT_H

#include <apr_time.h>

/**
 * SIGINT, SIGTERM and SIGHUP, for commands that run until they are told to end; and time for
 * them, from a clock that nobody sets. A flag of the process: one thread.
 */

/** From now on these signals are only noted, and end what waits. */
void ctl_interrupt_catch(void);

/** The signal that came, or 0. */
int ctl_interrupt_got(void);

/** The signal was what was waited for: it ends nothing more. */
void ctl_interrupt_forget(void);

/** End by the signal that came, so that a shell sees it and ends its script too. */
void ctl_interrupt_die(void);

/** Microseconds since some moment. */
apr_time_t ctl_interrupt_now(void);

/** Until then by that clock, or until a signal comes. */
void ctl_interrupt_sleep(apr_time_t until);

#endif
