/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <stdlib.h>

#include <apr_strings.h>
#include <jansson.h>

#include "dice.h"
#include "reading.h"
#include "report.h"

static apr_pool_t *pool;

/* What the manager says, as it says it. */
static const char whole[] =
    "{\"schema\": 1, \"module\": \"0.1.0\", \"node\": \"web1:80\", \"time\": 1763800000.5,"
    " \"csrf\": \"1763800000.ff\","
    " \"store\": {\"type\": \"memcache\", \"state\": \"degraded\", \"epoch\": \"0a\","
    "   \"servers\": [{\"server\": \"10.0.0.5:11211\", \"state\": \"down\"}]},"
    " \"apps\": [{\"app\": \"contact\", \"launchpad\": \"/contact\","
    "   \"switch\": {\"generation\": 12, \"weights\": {\"A\": 0, \"B\": 75}, \"closed\": [],"
    "     \"at\": 1763790000, \"by\": \"alice\", \"note\": \"\xc3\xa4\"},"
    "   \"sides\": [{\"side\": \"A\", \"path\": \"/contact/A\", \"state\": \"draining\","
    "     \"drain\": \"unknown\", \"reason\": \"why\", \"sessions\": null, \"exact\": false,"
    "     \"testers\": 1, \"in_flight\": 3, \"draining_since\": 1763790000,"
    "     \"deadline\": 1763818800, \"empty_if_idle\": null},"
    "    {\"side\": \"B\", \"path\": \"/contact/B\", \"state\": \"open\", \"drain\": \"open\","
    "     \"reason\": \"\", \"sessions\": 40, \"exact\": true, \"testers\": 0,"
    "     \"in_flight\": 0, \"draining_since\": null, \"deadline\": null,"
    "     \"empty_if_idle\": 1763791800}],"
    "   \"nodes\": [{\"node\": \"web1:80\", \"state\": \"live\", \"generation\": 12,"
    "     \"age\": 0.4, \"sessions\": {\"A\": 1}, \"in_flight\": {}},"
    "    {\"node\": \"web2:80\", \"state\": \"silent\", \"generation\": null, \"age\": null}],"
    "   \"verdicts\": {}, \"history\": [{\"time\": 1, \"sessions\": {}}],"
    "   \"log\": [{\"generation\": 12, \"at\": 1763790000, \"by\": \"alice\", \"note\": \"n\","
    "     \"from\": {\"A\": 1, \"B\": 0}, \"to\": {\"A\": 0, \"B\": 75}},"
    "    {\"generation\": 11, \"at\": null, \"by\": \"key\", \"note\": \"\", \"from\": null,"
    "     \"to\": null}]}]}";

static int reads(const char *text, apr_size_t len, ctl_report_t *report)
{
    const char *why = NULL;
    int ok = ctl_reading_report(text, len, pool, report, &why);

    assert_true(ok || (why && *why));
    return ok;
}

static void test_whole(void **state)
{
    ctl_report_t report;
    const ctl_app_t *app;
    const ctl_side_t *a;
    const ctl_side_t *b;

    (void)state;
    assert_true(reads(whole, strlen(whole), &report));
    assert_string_equal(report.module, "0.1.0");
    assert_string_equal(report.node, "web1:80");
    assert_int_equal(report.time, 1763800000);
    assert_string_equal(report.csrf, "1763800000.ff");
    assert_string_equal(report.store, "memcache");
    assert_int_equal(report.store_state, ABSW_STORE_DEGRADED);
    assert_int_equal(report.servers_n, 1);
    assert_string_equal(report.servers[0].name, "10.0.0.5:11211");
    assert_int_equal(report.servers[0].state, ABSW_STORE_DOWN);

    assert_int_equal(report.apps_n, 1);
    app = ctl_reading_app(&report, "contact");
    assert_non_null(app);
    assert_null(ctl_reading_app(&report, "Contact"));
    assert_string_equal(app->launchpad, "/contact");
    assert_int_equal(app->now.generation, 12);
    assert_int_equal(app->now.at, 1763790000);
    assert_string_equal(app->now.by, "alice");
    assert_string_equal(app->now.note, "\xc3\xa4");

    assert_int_equal(app->sides_n, 2);
    a = ctl_reading_side(app, "A");
    b = ctl_reading_side(app, "B");
    assert_null(ctl_reading_side(app, "C"));
    assert_string_equal(a->path, "/contact/A");
    assert_int_equal(a->state, ABSW_SIDE_DRAINING);
    assert_int_equal(a->drain, ABSW_DRAIN_UNKNOWN);
    assert_string_equal(a->reason, "why");
    assert_int_equal(a->weight, 0);
    assert_int_equal(a->sessions, -1);
    assert_false(a->exact);
    assert_int_equal(a->testers, 1);
    assert_int_equal(a->in_flight, 3);
    assert_int_equal(a->draining_since, 1763790000);
    assert_int_equal(a->deadline, 1763818800);
    assert_int_equal(a->empty_if_idle, 0);
    assert_int_equal(b->drain, ABSW_DRAIN_OPEN);
    assert_int_equal(b->weight, 75);
    assert_int_equal(b->sessions, 40);
    assert_true(b->exact);
    assert_int_equal(b->deadline, 0);
    assert_int_equal(b->empty_if_idle, 1763791800);

    assert_int_equal(app->nodes_n, 2);
    assert_string_equal(app->nodes[0].name, "web1:80");
    assert_int_equal(app->nodes[0].state, ABSW_NODE_LIVE);
    assert_int_equal(app->nodes[0].generation, 12);
    assert_int_equal(app->nodes[0].age, 0);
    assert_int_equal(app->nodes[1].state, ABSW_NODE_SILENT);
    assert_int_equal(app->nodes[1].generation, -1);
    assert_int_equal(app->nodes[1].age, -1);

    assert_int_equal(app->log_n, 2);
    assert_int_equal(app->log[0].generation, 12);
    assert_string_equal(app->log[0].note, "n");
    assert_string_equal(app->log[0].from, "A=1 B=0");
    assert_string_equal(app->log[0].to, "A=0 B=75");
    assert_int_equal(app->log[1].at, 0);
    assert_null(app->log[1].from);
    assert_null(app->log[1].to);
}

/* What the server's writer writes is read back: both stand in one tree. */
static void test_writer(void **state)
{
    static const absw_side_t sides[] = { { .name = "A", .path = "/a", .path_len = 2 } };
    absw_policy_t policy = sample_policy();
    absw_report_app_t app = { .policy = &policy, .rec = { .weight = { 1 }, .by = "default" } };
    absw_report_t written = {
        .module = "0.1.0", .node = "n", .time = APR_INT64_C(1763800000000001), .apps = &app,
        .apps_n = 1, .store = { .type = "local", .epoch = "" },
    };
    ctl_report_t report;
    const char *json;

    (void)state;
    policy.sides_n = 1;
    policy.sides[0] = sides[0];
    app.sides[0] = (absw_report_side_t) {
        .name = "A", .path = "/a", .reason = "a\nb", .known = 1, .sessions = 4294967295U
    };
    json = absw_report_json(&written, pool);
    assert_true(reads(json, strlen(json), &report));
    assert_null(report.csrf);
    assert_int_equal(report.apps[0].now.generation, 0);
    assert_int_equal(report.apps[0].now.at, 0);
    assert_int_equal(report.apps[0].sides[0].sessions, 4294967295U);
    assert_string_equal(report.apps[0].sides[0].reason, "a?b");
}

/* ---- what it is not ---- */

static json_t *value_of(const char *json)
{
    json_t *value = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    assert_non_null(value);
    return value;
}

/* Something else in every place of the whole, one at a time: read, or refused with a reason. */
static int mutate(json_t *root, json_t *at, const char *const *others, int n)
{
    int refused = 0;
    ctl_report_t report;

    for (int i = 0; i < n; i++) {
        const char *name;
        json_t *child;
        void *next;
        size_t index;

        json_object_foreach_safe(at, next, name, child) {
            json_t *kept = json_incref(child);
            char *text;

            json_object_set_new(at, name, value_of(others[i]));
            text = json_dumps(root, 0);
            refused += !reads(text, strlen(text), &report);
            free(text);
            json_object_set_new(at, name, kept);
        }
        json_array_foreach(at, index, child) {
            json_t *kept = json_incref(child);
            char *text;

            json_array_set_new(at, index, value_of(others[i]));
            text = json_dumps(root, 0);
            refused += !reads(text, strlen(text), &report);
            free(text);
            json_array_set_new(at, index, kept);
        }
    }
    return refused;
}

static int mutate_all(json_t *root, json_t *at, const char *const *others, int n)
{
    int refused = mutate(root, at, others, n);
    const char *name;
    json_t *child;
    size_t index;

    json_object_foreach(at, name, child) {
        refused += mutate_all(root, child, others, n);
    }
    json_array_foreach(at, index, child) {
        refused += mutate_all(root, child, others, n);
    }
    return refused;
}

static void test_wrong_types(void **state)
{
    static const char *const others[] = {
        "null", "true", "-1", "0", "1e308", "1.5", "9223372036854775807", "\"\"", "\"x\"",
        "\"\\u001b[2J\\u009b\\u0000\"", "[]", "{}", "[[]]", "{\"A\": {}}", "{\"\": -5}"
    };
    json_t *root = value_of(whole);
    int refused = mutate_all(root, root, others, COUNT_OF(others));

    (void)state;
    json_decref(root);
    assert_in_range(refused, 500, 2000);
}

/* Each line is one change of the whole that must be refused, and what is said of it. */
static void test_refused(void **state)
{
    static const struct {
        const char *part;
        const char *instead;
        const char *why;
    } rows[] = {
        { "\"schema\": 1", "\"schema\": 2", "\"schema\" is not 1" },
        { "\"schema\": 1,", "", "\"schema\" is not a whole number" },
        { "\"schema\": 1", "\"schema\": \"1\"", "\"schema\" is not a whole number" },
        { "\"node\": \"web1:80\"", "\"node\": 7", "\"node\" is not a string" },
        { "1763800000.5", "-1", "\"time\" is not a time" },
        { "1763800000.5", "1e300", "\"time\" is not a time" },
        { "1763800000.5", "null", "\"time\" is not a time" },
        { "\"degraded\"", "\"fine\"", "\"state\" is not a word" },
        { "\"draining\"", "\"Draining\"", "\"state\" is not a word" },
        { "\"unknown\"", "\"maybe\"", "\"drain\" is not a word" },
        { "\"sessions\": null", "\"sessions\": -5", "\"sessions\" is not a whole number" },
        { "\"sessions\": null", "\"sessions\": 1.5", "\"sessions\" is not a whole number" },
        { "\"exact\": false", "\"exact\": 0", "\"exact\" is not true or false" },
        { "\"generation\": 12", "\"generation\": 9223372036854775807", "\"generation\"" },
        { "\"deadline\": 1763818800", "\"deadline\": 999999999999", "\"deadline\" is not a time" },
        { "\"B\": 75}, \"closed\"", "\"C\": 75}, \"closed\"", "\"B\" is not a whole number" },
        { "\"log\": [", "\"log\": {}, \"lag\": [", "\"log\" is not a list" },
        { "\"node\"", "\"schema\": 1, \"node\"", "duplicate" },
        { "{\"schema\"", "[{\"schema\"", "it is not JSON" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *at = strstr(whole, rows[i].part);
        const char *text = apr_pstrcat(pool, apr_pstrmemdup(pool, whole, (size_t)(at - whole)),
                                       rows[i].instead, at + strlen(rows[i].part), NULL);
        ctl_report_t report;
        const char *why = "";

        if (ctl_reading_report(text, strlen(text), pool, &report, &why)) {
            fail_msg("read: %s", rows[i].instead);
        }
        if (!strstr(why, rows[i].why)) {
            fail_msg("%s: %s", rows[i].instead, why);
        }
    }
}

static void test_no_json(void **state)
{
    static const char *const texts[] = {
        "", " ", "{", "}", "[]", "null", "1", "\"x\"", "{}", "{\"schema\":1}", "<html></html>",
        "\xff\xfe", "{\"a\":\"\\u0000\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\x01\"}",
        "{\"schema\":1e999}", "{\"schema\":99999999999999999999}",
    };
    char deep[6000];
    ctl_report_t report;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_false(reads(texts[i], strlen(texts[i]), &report));
    }
    assert_false(reads("{\0}", 3, &report));
    memset(deep, '[', sizeof(deep));
    assert_false(reads(deep, sizeof(deep), &report));
}

/* Cut anywhere it is no report; whatever stands behind it is not read. */
static void test_cut(void **state)
{
    ctl_report_t report;

    (void)state;
    for (apr_size_t len = 0; len < strlen(whole); len++) {
        assert_false(reads(whole, len, &report));
    }
}

/* Any byte changed to any other: no crash, and no word that is not clean. */
static void test_damaged(void **state)
{
    apr_pool_t *outer = pool;
    dice_t d = { 7 };

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[sizeof(whole)];
        ctl_report_t report;

        apr_pool_create(&pool, outer);
        memcpy(text, whole, sizeof(whole));
        for (int n = 0; n < 3; n++) {
            text[dice_below(&d, sizeof(whole) - 1)] = (char)dice_below(&d, 256);
        }
        reads(text, sizeof(whole) - 1, &report);
        apr_pool_destroy(pool);
    }
    pool = outer;
}

static void test_clean_words(void **state)
{
    const char *text = apr_pstrcat(pool, "{\"ok\": false, \"error\": \"\\u001b]0;x\\u0007",
                                   "a\\nb\\u009b1m\\u007f\xc3\xa4\"}", NULL);
    ctl_outcome_t outcome;
    const char *why;

    (void)state;
    assert_true(ctl_reading_outcome(text, strlen(text), pool, &outcome, &why));
    assert_string_equal(outcome.error, "?]0;x?a?b??1m?\xc3\xa4");
}

/* ---- outcomes ---- */

static void test_outcome(void **state)
{
    static const struct {
        const char *text;
        int is_one;
        int ok;
        apr_int64_t generation;
        const char *error;
    } rows[] = {
        { "{\"ok\": true, \"generation\": 13}", 1, 1, 13, "" },
        { "{\"ok\": true}", 1, 1, -1, "" },
        { "{\"ok\": true, \"generation\": null}", 1, 1, -1, "" },
        { "{\"ok\": false, \"error\": \"no\"}", 1, 0, -1, "no" },
        { "{\"ok\": false}", 1, 0, -1, "" },
        { "{\"ok\": 1}", 0, 0, 0, NULL },
        { "{\"ok\": \"true\"}", 0, 0, 0, NULL },
        { "{}", 0, 0, 0, NULL },
        { "[]", 0, 0, 0, NULL },
        { "", 0, 0, 0, NULL },
        { "{\"ok\": true, \"generation\": -1}", 0, 0, 0, NULL },
        { "{\"ok\": true, \"generation\": \"13\"}", 0, 0, 0, NULL },
        { "{\"ok\": false, \"error\": {}}", 0, 0, 0, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ctl_outcome_t outcome;
        const char *why = NULL;

        if (ctl_reading_outcome(rows[i].text, strlen(rows[i].text), pool, &outcome, &why)
            != rows[i].is_one) {
            fail_msg("%s: %s", rows[i].text, why);
        }
        if (rows[i].is_one) {
            assert_int_equal(outcome.ok, rows[i].ok);
            assert_int_equal(outcome.generation, rows[i].generation);
            assert_string_equal(outcome.error, rows[i].error);
        }
    }
}

/* ---- excerpts ---- */

static void test_excerpt(void **state)
{
    const char *text = ctl_reading_excerpt(whole, strlen(whole), CTL_EXCERPT_WHOLE, pool);
    ctl_report_t report;

    (void)state;
    assert_null(strstr(text, "csrf"));
    assert_non_null(strstr(text, "\"time\": 1763800000.5"));
    assert_non_null(strstr(text, "\\u00E4"));
    assert_non_null(strstr(text, "\"history\": ["));
    assert_true(reads(text, strlen(text), &report));

    text = ctl_reading_excerpt(whole, strlen(whole), CTL_EXCERPT_NOW, pool);
    assert_null(strstr(text, "csrf"));
    assert_null(strstr(text, "history"));
    assert_null(strstr(text, "\"log\""));
    assert_null(strchr(text, '\n'));

    text = ctl_reading_excerpt(whole, strlen(whole), CTL_EXCERPT_LOG, pool);
    assert_int_equal(text[0], '[');
    assert_non_null(strstr(text, "\"generation\": 11"));
    assert_null(ctl_reading_excerpt("x", 1, CTL_EXCERPT_WHOLE, pool));
    assert_null(ctl_reading_excerpt("{}", 2, CTL_EXCERPT_LOG, pool));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_wrong_types),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_json),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_clean_words),
        cmocka_unit_test(test_outcome),
        cmocka_unit_test(test_excerpt),
    };

    apr_initialize();
    apr_pool_create(&pool, NULL);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
