/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <jansson.h>

#include "report.h"

static apr_pool_t *pool;

/* ---- a report with every kind of value ---- */

static const absw_store_server_t servers[] = {
    { .server = "10.0.0.5:11211", .state = ABSW_STORE_UP },
    { .server = "10.0.0.6:11211", .state = ABSW_STORE_DOWN }
};

static const absw_history_entry_t history[] = {
    { .time = 1763799980, .sessions = { ABSW_HISTORY_UNKNOWN, 39, 0 } },
    { .time = 1763799990, .sessions = { 1003, 40, 0 } },
};

static absw_report_node_t nodes[] = {
    { .name = "web1:80", .state = ABSW_NODE_LIVE, .generation = 12, .age = 400000, .known = 1,
      .sessions = { 10, 3, 0 }, .in_flight = { 1, 0, 0 } },
    { .name = "web2:80", .state = ABSW_NODE_SILENT, .generation = -1, .age = -1 },
    { .name = "web3:80", .state = ABSW_NODE_LEFT, .generation = 11, .age = 7200000000, .known = 1 },
};

static absw_log_entry_t entries[] = {
    { .rec = { .generation = 12, .weight = { 0, 1 }, .at = 1763790000, .by = "alice",
               .note = "upgrade" }, .valid = 1, .has_from = 1, .from = { 75, 25 } },
    { .rec = { .generation = 11, .weight = { 75, 25 }, .at = 1763780000, .by = "file" },
      .valid = 1 },
    { .rec = { .generation = 10, .at = 1763770000, .by = "key" } },
};

static absw_policy_t policy;
static absw_report_app_t app;
static absw_report_t report;

static int make_report(void **state)
{
    (void)state;
    policy = sample_policy();
    app = (absw_report_app_t) {
        .policy = &policy,
        .rec = { .generation = 12, .weight = { 0, 1 }, .closed = 1 << SIDE_C, .at = 1763790000,
                 .by = "alice", .note = "upgrade" },
        .trouble = "", .ignored = "",
        .sides = {
            { .name = "A", .path = "/contact/A", .state = ABSW_SIDE_DRAINING,
              .drain = ABSW_DRAIN_UNKNOWN, .reason = "node web2:80 is silent", .known = 0,
              .sessions = 7, .testers = 2, .draining_since = 1763790000, .deadline = 1763818800,
              .exact = 1, .in_flight = 3,
              .responses = { .classes = { 900, 50, 40, 10 }, .usec = 123456789,
                             .buckets = { 600, 0, 400 } },
              .recent = { .classes = { 0, 0, 0, 4 }, .usec = 60000000, .buckets = { [11] = 4 } },
              .own = { .classes = { 9, 0, 2, 1 }, .usec = 1000001,
                       .buckets = { 8, [7] = 2, [11] = 2 } } },
            { .name = "B", .path = "/contact/B", .state = ABSW_SIDE_OPEN,
              .drain = ABSW_DRAIN_OPEN, .reason = "", .known = 1, .sessions = 14012 },
            { .name = "C", .path = "", .state = ABSW_SIDE_CLOSED, .drain = ABSW_DRAIN_DRAINED,
              .reason = "", .known = 1, .exact = 1, .empty_if_idle = 1763791800 },
        },
        .nodes = nodes, .nodes_n = COUNT_OF(nodes),
        .history = history, .history_n = COUNT_OF(history),
        .log = entries, .log_n = COUNT_OF(entries),
    };
    for (int i = 1; i < ABSW_VERDICT_COUNT; i++) {
        app.verdicts[i] = (apr_uint64_t)i * 1000000007;
    }
    report = (absw_report_t) {
        .module = "0.1.0", .node = "web1:80", .time = SAMPLE_NOW * 1000000 + 500000,
        .store = { .type = "memcache", .state = ABSW_STORE_DEGRADED, .epoch = "0123abcd",
                   .servers = servers, .servers_n = COUNT_OF(servers) },
        .apps = &app, .apps_n = 1,
    };
    return 0;
}

/* ---- JSON ---- */

#define NO_RESPONSES \
    "\"responses\":{\"2xx\":0,\"3xx\":0,\"4xx\":0,\"5xx\":0,\"median\":null,\"p95\":null," \
    "\"seconds\":{\"sum\":0.0,\"buckets\":{\"0.005\":0,\"0.01\":0,\"0.025\":0,\"0.05\":0," \
    "\"0.1\":0,\"0.25\":0,\"0.5\":0,\"1\":0,\"2.5\":0,\"5\":0,\"10\":0,\"+Inf\":0}}," \
    "\"recent\":{\"2xx\":0,\"3xx\":0,\"4xx\":0,\"5xx\":0,\"median\":null,\"p95\":null}}"

/* Compact, so that a test can say what it expects; what it says of keys' order counts. */
static const char *compact(const char *text)
{
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    char *line;
    const char *copy;

    if (!root) {
        fail_msg("line %d: %s", error.line, error.text);
    }
    line = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(16));
    copy = apr_pstrdup(pool, line);
    free(line);
    json_decref(root);
    return copy;
}

static const char *json_of_report(void)
{
    const char *text = absw_report_json(&report, pool);

    assert_non_null(text);
    assert_int_equal(text[strlen(text) - 1], '\n');
    return compact(text);
}

static void test_json(void **state)
{
    const char *json = json_of_report();

    (void)state;
    assert_string_equal(json,
        "{\"schema\":1,\"module\":\"0.1.0\",\"node\":\"web1:80\",\"time\":1763800000.5,"
        "\"store\":{\"type\":\"memcache\",\"state\":\"degraded\",\"epoch\":\"0123abcd\","
        "\"servers\":[{\"server\":\"10.0.0.5:11211\",\"state\":\"up\"},"
        "{\"server\":\"10.0.0.6:11211\",\"state\":\"down\"}]},"
        "\"apps\":[{\"app\":\"contact\",\"launchpad\":\"/contact\","
        "\"switch\":{\"generation\":12,\"weights\":{\"A\":0,\"B\":1,\"C\":0},\"closed\":[\"C\"],"
        "\"at\":1763790000,\"by\":\"alice\",\"note\":\"upgrade\"},"
        "\"sides\":["
        "{\"side\":\"A\",\"path\":\"/contact/A\",\"state\":\"draining\",\"drain\":\"unknown\","
        "\"reason\":\"node web2:80 is silent\",\"sessions\":null,\"exact\":true,\"testers\":2,"
        "\"in_flight\":3,\"draining_since\":1763790000,\"deadline\":1763818800,"
        "\"empty_if_idle\":null,"
        "\"responses\":{\"2xx\":900,\"3xx\":50,\"4xx\":40,\"5xx\":10,\"median\":0.004166,"
        "\"p95\":0.023125,\"seconds\":{\"sum\":123.456789,\"buckets\":{\"0.005\":600,"
        "\"0.01\":600,\"0.025\":1000,\"0.05\":1000,\"0.1\":1000,\"0.25\":1000,\"0.5\":1000,"
        "\"1\":1000,\"2.5\":1000,\"5\":1000,\"10\":1000,\"+Inf\":1000}},"
        "\"recent\":{\"2xx\":0,\"3xx\":0,\"4xx\":0,\"5xx\":4,\"median\":10.0,\"p95\":10.0}}},"
        "{\"side\":\"B\",\"path\":\"/contact/B\",\"state\":\"open\",\"drain\":\"open\","
        "\"reason\":\"\",\"sessions\":14012,\"exact\":false,\"testers\":0,\"in_flight\":0,"
        "\"draining_since\":null,\"deadline\":null,\"empty_if_idle\":null," NO_RESPONSES "},"
        "{\"side\":\"C\",\"path\":\"/\",\"state\":\"closed\",\"drain\":\"drained\","
        "\"reason\":\"\",\"sessions\":0,\"exact\":true,\"testers\":0,\"in_flight\":0,"
        "\"draining_since\":null,\"deadline\":null,\"empty_if_idle\":1763791800,"
        NO_RESPONSES "}],"
        "\"nodes\":["
        "{\"node\":\"web1:80\",\"state\":\"live\",\"generation\":12,\"age\":0.4,"
        "\"sessions\":{\"A\":10,\"B\":3,\"C\":0},\"in_flight\":{\"A\":1,\"B\":0,\"C\":0}},"
        "{\"node\":\"web2:80\",\"state\":\"silent\",\"generation\":null,\"age\":null,"
        "\"sessions\":{\"A\":null,\"B\":null,\"C\":null},"
        "\"in_flight\":{\"A\":null,\"B\":null,\"C\":null}},"
        "{\"node\":\"web3:80\",\"state\":\"left\",\"generation\":11,\"age\":7200.0,"
        "\"sessions\":{\"A\":0,\"B\":0,\"C\":0},\"in_flight\":{\"A\":0,\"B\":0,\"C\":0}}],"
        "\"verdicts\":{\"pass\":1000000007,\"tester\":2000000014,\"visitor\":3000000021,"
        "\"adopt\":4000000028,\"enter\":5000000035,\"bookmark\":6000000042,"
        "\"cutoff\":7000000049,\"closed\":8000000056,\"logout\":9000000063,"
        "\"prefetch\":10000000070,\"launchpad\":11000000077,\"deeplink\":12000000084,"
        "\"door\":13000000091},"
        "\"history\":[{\"time\":1763799980,\"sessions\":{\"A\":null,\"B\":39,\"C\":0}},"
        "{\"time\":1763799990,\"sessions\":{\"A\":1003,\"B\":40,\"C\":0}}],"
        "\"log\":["
        "{\"generation\":12,\"at\":1763790000,\"by\":\"alice\",\"note\":\"upgrade\","
        "\"from\":{\"A\":75,\"B\":25,\"C\":0},\"to\":{\"A\":0,\"B\":1,\"C\":0}},"
        "{\"generation\":11,\"at\":1763780000,\"by\":\"file\",\"note\":\"\","
        "\"from\":null,\"to\":{\"A\":75,\"B\":25,\"C\":0}},"
        "{\"generation\":10,\"at\":1763770000,\"by\":\"key\",\"note\":\"\","
        "\"from\":null,\"to\":null}]}]}");
}

static void test_json_of_little(void **state)
{
    static const struct {
        apr_time_t time;
        const char *written;
    } times[] = {
        { APR_INT64_C(1763800000000000), "1763800000.0" },
        { APR_INT64_C(1763800000123456), "1763800000.123456" },
        { APR_INT64_C(1763800000000001), "1763800000.000001" },
    };

    (void)state;
    report.apps_n = 0;
    report.csrf = "1763800000.ff";
    report.store.type = "local";
    report.store.state = ABSW_STORE_UP;
    report.store.epoch = "";
    report.store.servers_n = 0;
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        const char *expected = apr_psprintf(pool,
            "{\"schema\":1,\"module\":\"0.1.0\",\"node\":\"web1:80\",\"time\":%s,"
            "\"csrf\":\"1763800000.ff\",\"store\":{\"type\":\"local\",\"state\":\"up\","
            "\"epoch\":null,\"servers\":[]},\"apps\":[]}", times[i].written);

        report.time = times[i].time;
        assert_string_equal(json_of_report(), expected);
    }
}

/* Before any record: generation 0, at null, by default. */
static void test_json_of_default(void **state)
{
    (void)state;
    app.rec = (absw_switch_t) { .weight = { 1 }, .by = "default" };
    assert_non_null(strstr(json_of_report(),
        "\"switch\":{\"generation\":0,\"weights\":{\"A\":1,\"B\":0,\"C\":0},\"closed\":[],"
        "\"at\":null,\"by\":\"default\",\"note\":\"\"}"));
}

/* ---- text ---- */

static const char *line_of(const char *text, const char *key)
{
    const char *mark = apr_pstrcat(pool, "\n", key, ": ", NULL);
    const char *at = strstr(apr_pstrcat(pool, "\n", text, NULL), mark);

    if (!at) {
        fail_msg("no line for %s", key);
    }
    at += strlen(mark);
    if (strstr(at, mark)) {
        fail_msg("two lines for %s", key);
    }
    return apr_pstrndup(pool, at, strcspn(at, "\n"));
}

static void test_text(void **state)
{
    static const struct {
        const char *key;
        const char *value;
    } rows[] = {
        { "schema", "1" },
        { "module", "0.1.0" },
        { "node", "web1:80" },
        { "time", "1763800000.500" },
        { "store", "memcache" },
        { "store_state", "degraded" },
        { "store_epoch", "0123abcd" },
        { "store_server.10.0.0.6:11211", "down" },
        { "contact.launchpad", "/contact" },
        { "contact.generation", "12" },
        { "contact.weights", "A=0 B=1 C=0" },
        { "contact.closed", "C" },
        { "contact.at", "1763790000" },
        { "contact.by", "alice" },
        { "contact.note", "upgrade" },
        { "contact.trouble", "none" },
        { "contact.A.state", "draining" },
        { "contact.A.drain", "unknown" },
        { "contact.A.reason", "node web2:80 is silent" },
        { "contact.A.sessions", "unknown" },
        { "contact.A.exact", "yes" },
        { "contact.A.testers", "2" },
        { "contact.A.in_flight", "3" },
        { "contact.A.draining_since", "1763790000" },
        { "contact.A.deadline", "1763818800" },
        { "contact.A.empty_if_idle", "none" },
        { "contact.A.responses.2xx", "900" },
        { "contact.A.responses.5xx", "10" },
        { "contact.A.responses.median", "0.004" },
        { "contact.A.responses.p95", "0.023" },
        { "contact.A.recent.5xx", "4" },
        { "contact.A.recent.median", "10.000" },
        { "contact.B.responses.2xx", "0" },
        { "contact.B.recent.p95", "none" },
        { "contact.B.sessions", "14012" },
        { "contact.B.exact", "no" },
        { "contact.C.path", "/" },
        { "contact.node.web1:80.age", "0.400" },
        { "contact.node.web1:80.A.sessions", "10" },
        { "contact.node.web2:80.state", "silent" },
        { "contact.node.web2:80.generation", "unknown" },
        { "contact.node.web2:80.age", "unknown" },
        { "contact.node.web2:80.A.in_flight", "unknown" },
        { "contact.verdict.pass", "1000000007" },
        { "contact.verdict.door", "13000000091" },
    };
    const char *text = absw_report_text(&report, pool);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_string_equal(line_of(text, rows[i].key), rows[i].value);
    }
}

/* ---- Prometheus ---- */

static int count_of(const char *text, const char *part)
{
    int n = 0;

    while ((text = strstr(text, part)) != NULL) {
        text += strlen(part);
        n++;
    }
    return n;
}

static void test_prometheus(void **state)
{
    static const char *const samples[] = {
        "abswitch_sessions{app=\"contact\",side=\"B\"} 14012",
        "abswitch_sessions{app=\"contact\",side=\"C\"} 0",
        "abswitch_testers{app=\"contact\",side=\"A\"} 2",
        "abswitch_in_flight_requests{app=\"contact\",side=\"A\"} 3",
        "abswitch_side_state{app=\"contact\",side=\"A\",state=\"open\"} 0",
        "abswitch_side_state{app=\"contact\",side=\"A\",state=\"draining\"} 1",
        "abswitch_side_state{app=\"contact\",side=\"A\",state=\"closed\"} 0",
        "abswitch_drain{app=\"contact\",side=\"A\",verdict=\"open\"} 0",
        "abswitch_drain{app=\"contact\",side=\"A\",verdict=\"draining\"} 0",
        "abswitch_drain{app=\"contact\",side=\"A\",verdict=\"drained\"} 0",
        "abswitch_drain{app=\"contact\",side=\"A\",verdict=\"unknown\"} 1",
        "abswitch_drain{app=\"contact\",side=\"C\",verdict=\"drained\"} 1",
        "abswitch_switch_generation{app=\"contact\"} 12",
        "abswitch_switch_weight{app=\"contact\",side=\"A\"} 0",
        "abswitch_switch_weight{app=\"contact\",side=\"B\"} 1",
        "abswitch_nodes{app=\"contact\",state=\"live\"} 1",
        "abswitch_nodes{app=\"contact\",state=\"left\"} 1",
        "abswitch_nodes{app=\"contact\",state=\"silent\"} 1",
        "abswitch_store_up{server=\"10.0.0.5:11211\"} 1",
        "abswitch_store_up{server=\"10.0.0.6:11211\"} 0",
        "abswitch_verdicts_total{app=\"contact\",verdict=\"pass\"} 1000000007",
        "abswitch_verdicts_total{app=\"contact\",verdict=\"door\"} 13000000091",
        "abswitch_deadline_timestamp_seconds{app=\"contact\",side=\"A\"} 1763818800",
        "abswitch_responses_total{app=\"contact\",side=\"A\",class=\"2xx\"} 9",
        "abswitch_responses_total{app=\"contact\",side=\"A\",class=\"3xx\"} 0",
        "abswitch_responses_total{app=\"contact\",side=\"A\",class=\"5xx\"} 1",
        "abswitch_responses_total{app=\"contact\",side=\"C\",class=\"2xx\"} 0",
        "abswitch_response_seconds_bucket{app=\"contact\",side=\"A\",le=\"0.005\"} 8",
        "abswitch_response_seconds_bucket{app=\"contact\",side=\"A\",le=\"0.5\"} 8",
        "abswitch_response_seconds_bucket{app=\"contact\",side=\"A\",le=\"1\"} 10",
        "abswitch_response_seconds_bucket{app=\"contact\",side=\"A\",le=\"10\"} 10",
        "abswitch_response_seconds_bucket{app=\"contact\",side=\"A\",le=\"+Inf\"} 12",
        "abswitch_response_seconds_sum{app=\"contact\",side=\"A\"} 1.000001",
        "abswitch_response_seconds_count{app=\"contact\",side=\"A\"} 12",
        "abswitch_response_seconds_count{app=\"contact\",side=\"C\"} 0",
    };
    const char *text = absw_report_prometheus(&report, pool);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        const char *line = apr_pstrcat(pool, "\n", samples[i], "\n", NULL);

        if (count_of(text, line) != 1) {
            fail_msg("%d times: %s", count_of(text, line), samples[i]);
        }
    }
    /* not known is no number */
    assert_int_equal(count_of(text, "\nabswitch_sessions{app=\"contact\",side=\"A\"}"), 0);
    assert_int_equal(count_of(text, "\nabswitch_deadline_timestamp_seconds{"), 1);
    assert_int_equal(count_of(text, "\nabswitch_verdicts_total{"), ABSW_VERDICT_COUNT - 1);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void test_families(void **state)
{
    static const char *const families[] = {
        "abswitch_sessions gauge", "abswitch_testers gauge",
        "abswitch_in_flight_requests gauge", "abswitch_side_state gauge",
        "abswitch_drain gauge", "abswitch_switch_generation gauge",
        "abswitch_switch_weight gauge", "abswitch_nodes gauge", "abswitch_store_up gauge",
        "abswitch_verdicts_total counter", "abswitch_responses_total counter",
        "abswitch_response_seconds histogram", "abswitch_deadline_timestamp_seconds gauge",
    };
    const char *text = absw_report_prometheus(&report, pool);

    (void)state;
    assert_int_equal(count_of(text, "# TYPE "), COUNT_OF(families));
    assert_int_equal(count_of(text, "# HELP "), COUNT_OF(families));
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        const char *name = apr_pstrndup(pool, families[i], strcspn(families[i], " "));
        const char *type = apr_pstrcat(pool, "\n# TYPE ", families[i], "\n", NULL);
        const char *help = apr_pstrcat(pool, "# HELP ", name, " ", NULL);

        assert_int_equal(count_of(text, type), 1);
        assert_int_equal(count_of(text, help), 1);
        assert_true(strstr(text, help) < strstr(text, type));
    }
}

/* ---- words that should not have come this far ---- */

static void test_hostile_words(void **state)
{
    static const absw_store_server_t odd[] = {
        { .server = "a\"b\\c\nd\xff", .state = ABSW_STORE_UP }
    };

    (void)state;
    app.rec = (absw_switch_t) { .generation = 1, .weight = { 1 }, .by = "\xc3\x28\x80" };
    strcpy(app.rec.note, "<script>\"\\\x01\x7f\xed\xa0\x80 \xe2\x82\xac");
    app.sides[0].reason = "line\nbreak\r\xf8";
    app.trouble = "x\ncontact.B.sessions: 0";
    report.node = NULL;
    report.store.servers = odd;
    report.store.servers_n = 1;

    assert_non_null(strstr(json_of_report(),
        "\"by\":\"?(?\",\"note\":\"<script>\\\"\\\\"
        "????? \xe2\x82\xac\"}"));
    assert_non_null(strstr(json_of_report(), "\"reason\":\"line?break??\""));
    assert_non_null(strstr(json_of_report(), "\"node\":\"\""));
    assert_string_equal(line_of(absw_report_text(&report, pool), "contact.A.reason"),
                        "line?break??");
    assert_string_equal(line_of(absw_report_text(&report, pool), "contact.B.sessions"), "14012");
    assert_non_null(strstr(absw_report_prometheus(&report, pool),
                           "\nabswitch_store_up{server=\"a\\\"b\\\\c?d?\"} 1\n"));
}

/* A day of history of many sides is whole, and nothing of it stays with jansson. */
static apr_size_t held;

static void *counting_malloc(size_t size)
{
    void *p = malloc(size);

    held += p != NULL;
    return p;
}

static void counting_free(void *p)
{
    held -= p != NULL;
    free(p);
}

static apr_size_t left;

static void *failing_malloc(size_t size)
{
    return left && left-- ? counting_malloc(size) : NULL;
}

static void test_memory(void **state)
{
    apr_size_t calls;

    (void)state;
    held = 0;
    json_set_alloc_funcs(counting_malloc, counting_free);
    assert_non_null(absw_report_json(&report, pool));
    assert_int_equal(held, 0);

    /* whichever call finds no memory, all is given back and the answer is none */
    json_set_alloc_funcs(failing_malloc, counting_free);
    for (calls = 0; calls < 100000; calls++) {
        const char *json;

        left = calls;
        json = absw_report_json(&report, pool);
        assert_int_equal(held, 0);
        if (json) {
            break;
        }
    }
    json_set_alloc_funcs(malloc, free);
    assert_in_range(calls, 100, 99999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_json, make_report),
        cmocka_unit_test_setup(test_json_of_little, make_report),
        cmocka_unit_test_setup(test_json_of_default, make_report),
        cmocka_unit_test_setup(test_text, make_report),
        cmocka_unit_test_setup(test_prometheus, make_report),
        cmocka_unit_test_setup(test_families, make_report),
        cmocka_unit_test_setup(test_hostile_words, make_report),
        cmocka_unit_test_setup(test_memory, make_report),
    };

    apr_initialize();
    apr_pool_create(&pool, NULL);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
