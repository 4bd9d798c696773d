/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"
#include "sample.h"

static void test_lives(void **state)
{
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        pause();
        _exit(0);
    }
    assert_int_equal(absw_process_lives((apr_uint32_t)pid), 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(absw_process_lives((apr_uint32_t)pid), 0);
    assert_int_equal(absw_process_lives((apr_uint32_t)getpid()), 1);
    assert_int_equal(absw_process_lives(1), 1);
    assert_int_equal(absw_process_lives(0), 0);
    assert_int_equal(absw_process_lives(APR_UINT32_MAX), 0);       /* everybody, to kill() */
    assert_int_equal(absw_process_lives(0x80000001u), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lives),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
