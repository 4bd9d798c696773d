/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STRESS_H
#define STRESS_H

/**
 * How much goes on at once in the stress tests of the table, and for how long. ThreadSanitizer sees
 * the threads of one process, so .ci/sanitized has more of them.
 */

#ifndef STRESS_MS
#define STRESS_THREADS  2
#define STRESS_MS       2500
#endif

#define PROCESSES   4
#define THREADS     STRESS_THREADS

#endif
