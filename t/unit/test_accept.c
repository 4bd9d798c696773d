/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include "accept.h"

static void test_preference(void **state)
{
    static const struct {
        const char *accept;
        int json;
    } rows[] = {
        { NULL, 0 },
        { "", 0 },
        { "*/*", 0 },
        { "*/*;q=0.1", 0 },
        { "text/html", 0 },
        { "text/plain", 0 },
        { "application/json", 1 },
        { "Application/JSON", 1 },
        { " \tapplication/json \t", 1 },
        { "application/*", 1 },
        { "application/json;charset=utf-8", 1 },

        /* browsers */
        { "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 0 },
        { "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
          "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7", 0 },
        /* scripts' libraries */
        { "application/json, text/plain, */*", 1 },
        { "application/json, text/javascript, */*; q=0.01", 1 },
        { "application/json, */*;q=0.5", 1 },

        /* qualities */
        { "application/json, text/html", 0 },
        { "text/html, application/json", 0 },
        { "application/json;q=0.9, text/html", 0 },
        { "application/json, text/html;q=0.9", 1 },
        { "text/html;q=0.9, application/json;q=0.901", 1 },
        { "text/html ; q=0.5 , application/json ; Q=0.6", 1 },
        { "application/json;q=0.5, */*", 0 },
        { "application/json;q=0", 0 },
        { "application/json;q=0, application/*", 0 },
        { "application/json;q=0.001", 1 },
        { "application/json;q=0, text/html;q=0", 0 },
        { "text/html;q=0, */*;q=0.5", 1 },
        { "*/*, text/html;q=0.5", 1 },
        { "application/*;q=0.8, application/json;q=0.2, text/html;q=0.5", 0 },
        { "text/*;q=0.3, application/*;q=0.4", 1 },
        { "application/json;v=1;q=0.2, text/html;q=0.3", 0 },

        /* what does not parse says nothing */
        { "application/json;q=2", 0 },
        { "application/json;q=", 0 },
        { "application/json;q=.5", 0 },
        { "application/json;q=-1", 0 },
        { "application/json;q=0,5", 0 },
        { "application/json;q=1.001", 0 },
        { "application/json;q=0.5555", 0 },
        { "application/json;q=nan, text/html;q=0.1", 0 },
        { "application/jsonx", 0 },
        { "xapplication/json", 0 },
        { "application/jso", 0 },
        { "application/json/x", 0 },
        { "application /json", 0 },
        { "application", 0 },
        { "*", 0 },
        { "*/json", 0 },
        { "application/", 0 },
        { ",,;;,", 0 },
        { ",application/json,", 1 },
        { ";application/json", 0 },
        { "text/x;a=\",application/json,\"", 0 },
        { "text/x;a=\"\\\",application/json,\"", 0 },
        { "text/x;a=\"application/json,", 0 },
        { "text/x;a=\"b\",application/json", 1 },
        { "\xff\xfe, application/json", 1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (absw_accept_prefers_json(rows[i].accept) != rows[i].json) {
            fail_msg("\"%s\" prefers JSON: not %d", rows[i].accept ? rows[i].accept : "(none)",
                     rows[i].json);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preference),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
