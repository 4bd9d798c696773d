/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "decide.h"
#include "sample.h"

/*
 * Every request in t/data/browser-requests.tsv, as Chromium, Firefox and WebKit sent them, against
 * inside and decide. What a row should come to is said by its case, what a person did, and not
 * by its headers, so that the headers are on trial here.
 */

#define ROWS 623

/** What a person would say of a request. */
typedef enum {
    LINKED,         /* from a page of the side: clicked, submitted, reloaded, scripted */
    LINKED_IF_TOLD, /* the same, but only Fetch Metadata tells: arrives where there is none */
    TYPED,          /* typed, bookmarked, restored, opened by another program */
    ELSEWHERE,      /* from another site, or from another application of this one */
    LAUNCHED,       /* sent on by the launchpad, to which its own page had led */
    FETCHED         /* no navigation: a page's part, a script's call, a program's */
} view_e;

/* By case; a case that is not here is LINKED. */
static const struct {
    view_e view;
    const char *names;              /* each between two spaces */
} views[] = {
    { TYPED,
      " back-to-typed back-typed bookmark chain-sso-typed chain-typed external-open f5-typed"
      " js-reload-typed navigate-api real-bookmark reload-typed reopen restore-typed typed"
      " ui3-bookmark ui3-omni ui3-typed undoclose viewsrc " },
    { ELSEWHERE,
      " back-to-xsite chain-clicked-xsite chain-redirect-setcookie-strict chain-sso"
      " chain-xsite chain-xsite-setck chain-xsite-setcookie f5-xsite otherport-link"
      " reload-xsite rp-x-no-referrer rp-x-no-referrer-when-downgrade rp-x-origin"
      " rp-x-origin-when-cross-origin rp-x-same-origin rp-x-strict-origin"
      " rp-x-strict-origin-when-cross-origin rp-x-unsafe-url samesite samesite-link"
      " siblingapp siblingpath-link xsite xsite-iframe xsite-link xsite-link-noref"
      " xsite-post xsite-unsafe-url xsite-window-open " },
    { LAUNCHED,
      " chain-clicked-from-launchpad chain-launchpad chain-launchpad-click chain-login-303"
      " chain-login-post-303 " },
    { LINKED_IF_TOLD,
      " link-noreferrer pushstate-reload rp-redirhdr-no-referrer rp-redirhdr-origin"
      " rp-redirhdr-strict-origin rp-same-no-referrer rp-same-origin rp-same-strict-origin"
      " window-open-noreferrer " },
    { FETCHED,
      " a-ping beacon css css-bg curl1 curl2 curl3 es eventsource favicon fetch fetch-get"
      " fetch-noref fetch-omit fetch-post font img img-noref-page js js-module manifest"
      " prefetch-link websocket worker ws xhr xsite-fetch-nocors xsite-img " },
};

/* Cases of several requests that differ; the last view holds for the rest. */
static const struct {
    const char *name;
    view_e views[3];
} steps[] = {
    { "bookmarkfix-typed", { TYPED, TYPED, FETCHED } },
    { "enter-same-typed", { LINKED, TYPED, TYPED } },
    { "js-reload-of-typed", { TYPED, LINKED, LINKED } },
    { "jsreload-typed", { TYPED, LINKED, LINKED } },
    { "meta-refresh-self", { TYPED, LINKED, LINKED } },
    { "ui2-link", { LINKED, TYPED, TYPED } },
    { "sw-fetch", { FETCHED, LINKED, LINKED } },
};

enum { BROWSER, CASE, METHOD, URL, REFERER, ORIGIN, SITE, MODE, DEST, PURPOSE, UPGRADE, COOKIE,
       COLUMNS };

typedef struct {
    const char *column[COLUMNS];    /* NULL where the file has "-" */
    int line;
    view_e view;
    int side;                       /* ABSW_NO_SIDE: the launchpad */
    int post;
    absw_kind_e kind;
    int prefetch;
    int inside;
} request_t;

static const char *file = "t/data/browser-requests.tsv";
static request_t requests[ROWS + 1];
static int requests_n;
static absw_policy_t policy;

/* -- Reading ------------------------------------------------------------------------------- */

/* There is no Accept in the file. A navigation's names text/html in every browser, a part's
 * never does. */
static const char *accept_of(const request_t *request)
{
    if (request->view != FETCHED) {
        return "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    }
    return strcmp(request->column[CASE], "css") == 0 ? "text/css,*/*;q=0.1" : "*/*";
}

/* Nor a Content-Type. */
static const char *content_type_of(const request_t *request)
{
    if (!request->post) {
        return NULL;
    }
    if (strcmp(request->column[CASE], "a-ping") == 0) {
        return "text/ping";
    }
    return request->view == FETCHED && strncmp(request->column[CASE], "curl", 4) != 0
           ? "text/plain;charset=UTF-8" : "application/x-www-form-urlencoded";
}

static view_e view_of(const char *name, int step)
{
    char spaced[64];

    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        if (strcmp(steps[i].name, name) == 0) {
            return steps[i].views[step < 3 ? step : 2];
        }
    }
    snprintf(spaced, sizeof(spaced), " %s ", name);
    for (size_t i = 0; i < COUNT_OF(views); i++) {
        if (strstr(views[i].names, spaced)) {
            return views[i].view;
        }
    }
    return LINKED;
}

static int split(char *line, const char **column)
{
    int n = 0;

    for (char *next = line; next && n < COLUMNS; n++) {
        column[n] = next;
        next = strchr(next, '\t');
        if (next) {
            *next++ = '\0';
        }
        if (strcmp(column[n], "-") == 0) {
            column[n] = NULL;
        }
    }
    return n;
}

/* The same case of the same browser at the same host: the next of its requests. */
static int is_next_step(const request_t *before, const request_t *request)
{
    size_t host = strcspn(request->column[URL] + 8, "/") + 8;

    return strcmp(before->column[BROWSER], request->column[BROWSER]) == 0
           && strcmp(before->column[CASE], request->column[CASE]) == 0
           && strncmp(before->column[URL], request->column[URL], host) == 0;
}

/* The facts as the module gathers them; its own origin is the request's. */
static void gather(request_t *request)
{
    const char *url = request->column[URL];
    const char *host = strstr(url, "://") + 3;
    const char *path = host + strcspn(host, "/");
    const absw_provenance_t from = {
        .referer = request->column[REFERER], .origin = request->column[ORIGIN],
        .fetch_site = request->column[SITE]
    };
    const absw_asking_t asking = {
        .method = request->column[METHOD], .accept = accept_of(request),
        .fetch_mode = request->column[MODE], .content_type = content_type_of(request),
        .upgrade = request->column[UPGRADE] ? "websocket" : NULL
    };
    const char *rest;
    char scheme[8] = { 0 };
    char authority[64] = { 0 };
    absw_origin_t own;

    memcpy(scheme, url, (size_t)(host - 3 - url));
    memcpy(authority, host, (size_t)(path - host));
    assert_true(absw_origin_of_request(scheme, authority, &own));
    request->side = absw_policy_side_of_path(&policy, path, &rest);
    if (request->side == ABSW_NO_SIDE) {
        assert_string_equal(path, policy.launchpad);
    }
    request->kind = absw_inside_kind(&asking);
    request->prefetch = absw_inside_is_prefetch(request->column[PURPOSE]);
    request->inside = absw_inside(&policy, &own, 1, &from);
}

static int read_requests(void **state)
{
    static char text[200000];
    FILE *in = fopen(file, "r");
    int number = 0;
    int step = 0;

    (void)state;
    if (!in) {
        print_error("cannot read %s\n", file);
        return -1;
    }
    policy = sample_policy();
    text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
    fclose(in);
    for (char *line = text, *end; *line; line = end) {
        request_t *request = &requests[requests_n];

        end = line + strcspn(line, "\n");
        if (*end) {
            *end++ = '\0';
        }
        number++;
        if (*line == '#' || strncmp(line, "browser\t", 8) == 0) {
            continue;
        }
        if (requests_n == ROWS || split(line, request->column) != COLUMNS) {
            print_error("%s line %d: one too many, or not %d columns\n", file, number, COLUMNS);
            return -1;
        }
        request->line = number;
        step = requests_n && is_next_step(request - 1, request) ? step + 1 : 0;
        request->view = view_of(request->column[CASE], step);
        request->post = strcmp(request->column[METHOD], "POST") == 0;
        gather(request);
        requests_n++;
    }
    if (requests_n != ROWS) {
        print_error("%s has %d requests, not %d\n", file, requests_n, ROWS);
        return -1;
    }
    return 0;
}

/* -- Deciding ------------------------------------------------------------------------------ */

static int the_current_side(void *baton)
{
    return *(int *)baton;
}

static int other_side(int side)
{
    return side == SIDE_A ? SIDE_B : SIDE_A;
}

/* A browser with a token for session (or none) asks; current is open, the other side drains. */
static absw_decision_t decide(const request_t *request, int session, int current,
                              const absw_entry_t *entry)
{
    const absw_token_t token = { .kid = 'k', .side = session, .login = SAMPLE_NOW - 60 };
    absw_side_state_e states[SAMPLE_SIDES] = {
        ABSW_SIDE_DRAINING, ABSW_SIDE_DRAINING, ABSW_SIDE_CLOSED
    };
    const absw_facts_t facts = {
        .now = SAMPLE_NOW, .side = request->side, .kind = request->kind,
        .prefetch = request->prefetch, .inside = request->inside,
        .token = session == ABSW_NO_SIDE ? NULL : &token, .state = states,
        .current = the_current_side, .baton = &current
    };

    states[current] = ABSW_SIDE_OPEN;
    return request->side == ABSW_NO_SIDE ? absw_decide_launchpad(&policy, &facts, entry)
                                         : absw_decide(&policy, &facts);
}

static void blame(const request_t *request, const absw_decision_t *d, const char *what)
{
    fail_msg("line %d, %s %s %s: %s; got %s, status %d, token %d", request->line,
             request->column[BROWSER], request->column[CASE], request->column[URL], what,
             absw_verdict_name(d->verdict), d->status, d->new_token);
}

static void expect(const request_t *request, const absw_decision_t *d, absw_verdict_e verdict,
                   int status, int to_side, int new_token)
{
    if (d->verdict != verdict || d->status != status || d->to_side != to_side
        || d->new_token != new_token || d->new_tester || d->expire_token || d->expire_cookies) {
        blame(request, d, absw_verdict_name(verdict));
    }
}

/* Did it come from the side's pages, as far as anyone can tell from a request? */
static int is_linked(const request_t *request)
{
    return request->view == LINKED
           || (request->view == LINKED_IF_TOLD && request->column[SITE]);
}

static int is_page_get(const request_t *request)
{
    return request->view != FETCHED && !request->post;
}

/* -- Tests --------------------------------------------------------------------------------- */

static void test_all_are_read(void **state)
{
    int launchpad = 0;
    int prefetch = 0;
    int upgrade = 0;
    int sides[SAMPLE_SIDES] = { 0 };

    (void)state;
    assert_int_equal(requests_n, ROWS);
    for (const request_t *request = requests; request < requests + ROWS; request++) {
        launchpad += request->side == ABSW_NO_SIDE;
        prefetch += request->prefetch;
        upgrade += request->column[UPGRADE] != NULL;
        if (request->side != ABSW_NO_SIDE) {
            sides[request->side]++;
        }
    }
    assert_int_equal(prefetch, 12);
    assert_int_equal(upgrade, 7);
    assert_int_equal(sides[SIDE_C], 0);
    assert_int_equal(launchpad + sides[SIDE_A] + sides[SIDE_B], ROWS);
    assert_true(sides[SIDE_A] > 0 && sides[SIDE_B] > 0 && launchpad > 0);
}

static int has_case(const char *name, size_t len)
{
    for (int i = 0; i < requests_n; i++) {
        if (strlen(requests[i].column[CASE]) == len
            && strncmp(requests[i].column[CASE], name, len) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Every case that the tables above name is in the file, so none is a slip of the pen. */
static void test_cases_exist(void **state)
{
    int named = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        assert_true(has_case(steps[i].name, strlen(steps[i].name)));
        named++;
    }
    for (size_t i = 0; i < COUNT_OF(views); i++) {
        for (const char *name = views[i].names + 1; *name; name += strcspn(name, " ") + 1) {
            if (!has_case(name, strcspn(name, " "))) {
                fail_msg("no request of case %s", name);
            }
            named++;
        }
    }
    assert_int_equal(named, 97);
}

/* Where there is Fetch Metadata it confirms the table, so the table may stand in for it where
 * there is none, and the Accept that it implies gives the same kind. */
static void test_navigations(void **state)
{
    int told = 0;

    (void)state;
    for (const request_t *request = requests; request < requests + ROWS; request++) {
        const char *mode = request->column[MODE];
        absw_kind_e kind = request->view == FETCHED ? ABSW_KIND_OTHER
                           : request->post ? ABSW_KIND_FORM_POST : ABSW_KIND_NAV;
        const absw_decision_t none = { .verdict = ABSW_UNTOUCHED };

        if (mode && (strcmp(mode, "navigate") == 0) == (request->view == FETCHED)) {
            blame(request, &none, mode);
        }
        if (request->kind != kind) {
            blame(request, &none, "another kind");
        }
        told += mode != NULL;
    }
    assert_int_equal(told, ROWS - 141);
}

/* Whoever has a live session on the side is left in peace, drain or no drain. */
static void test_with_a_session_here(void **state)
{
    int counted = 0;

    (void)state;
    for (const request_t *request = requests; request < requests + ROWS; request++) {
        for (int drains = 0; drains < 2 && request->side != ABSW_NO_SIDE; drains++) {
            int current = drains ? other_side(request->side) : request->side;
            absw_decision_t d = decide(request, request->side, current, NULL);

            expect(request, &d, ABSW_PASS, 0, ABSW_NO_SIDE, ABSW_NO_SIDE);
            if (d.end_session || !d.count) {
                blame(request, &d, "its session goes on");
            }
            counted++;
        }
    }
    assert_true(counted > ROWS);
}

/* A session on the other side is visited with when a page leads there, and gone home to when a
 * bookmark does; it never changes. */
static void test_with_a_session_there(void **state)
{
    int visits = 0;
    int returns = 0;

    (void)state;
    for (const request_t *request = requests; request < requests + ROWS; request++) {
        int home = other_side(request->side);

        for (int drains = 0; drains < 2 && request->side != ABSW_NO_SIDE; drains++) {
            absw_decision_t d = decide(request, home, drains ? home : request->side, NULL);

            if (!is_page_get(request)) {
                expect(request, &d, ABSW_PASS, 0, ABSW_NO_SIDE, ABSW_NO_SIDE);
            }
            else if (is_linked(request)) {
                expect(request, &d, ABSW_VISITOR, 0, ABSW_NO_SIDE, ABSW_NO_SIDE);
                visits++;
            }
            else if (request->prefetch) {
                expect(request, &d, ABSW_PREFETCH, 503, ABSW_NO_SIDE, ABSW_NO_SIDE);
            }
            else {
                expect(request, &d, ABSW_BOOKMARK, 302, home, ABSW_NO_SIDE);
                returns++;
            }
            if (d.end_session || d.count != (d.status == 0)) {
                blame(request, &d, "it is counted if it passes");
            }
        }
    }
    assert_true(visits > 0 && returns > 0);
}

/** How the requests without a session ended. */
typedef struct {
    int passed;
    int put_off;
    int stayed;
    int arrived;
} tally_t;

/* Without a session: what was typed, bookmarked or linked to elsewhere goes to the current side,
 * what came from inside stays and gets a session where it is. */
static void check_without(const request_t *request, int current, tally_t *tally)
{
    absw_decision_t d = decide(request, ABSW_NO_SIDE, current, NULL);

    if (!is_page_get(request)) {
        expect(request, &d, ABSW_PASS, 0, ABSW_NO_SIDE, ABSW_NO_SIDE);
        tally->passed++;
    }
    else if (request->prefetch) {
        expect(request, &d, ABSW_PREFETCH, 503, ABSW_NO_SIDE, ABSW_NO_SIDE);
        tally->put_off++;
    }
    else if (is_linked(request)) {
        expect(request, &d, ABSW_ADOPT, 0, ABSW_NO_SIDE, request->side);
        tally->stayed++;
    }
    else if (current == request->side) {
        expect(request, &d, ABSW_ENTER, 0, ABSW_NO_SIDE, current);
        tally->arrived++;
    }
    else {
        expect(request, &d, ABSW_BOOKMARK, 302, current, current);
        tally->arrived++;
    }
    if (d.count || d.end_session) {
        blame(request, &d, "there is no session to count or to end");
    }
}

static void test_without_a_session(void **state)
{
    tally_t open = { 0, 0, 0, 0 };
    tally_t drain = { 0, 0, 0, 0 };

    (void)state;
    for (const request_t *request = requests; request < requests + ROWS; request++) {
        if (request->side != ABSW_NO_SIDE) {
            check_without(request, request->side, &open);
            check_without(request, other_side(request->side), &drain);
        }
    }
    assert_memory_equal(&open, &drain, sizeof(open));
    assert_int_equal(drain.passed, 189);
    assert_int_equal(drain.stayed, 194);
    assert_int_equal(drain.arrived, 173);
    /* bookmark 2, ui3-bookmark 1, spec-prefetch 2, spec-prerender 2; prefetch-link is no page */
    assert_int_equal(drain.put_off, 7);
}

/* At the launchpad a session goes home unless a form was posted; everyone else goes to the
 * current side. With a page, a GET gets the page, whoever asks. */
static void test_launchpad(void **state)
{
    static const absw_entry_t gets = { .post = 0 };
    static const absw_entry_t posts = { .post = 1 };
    static const absw_entry_t shows = { .has_page = 1 };
    int n = 0;

    (void)state;
    for (const request_t *request = requests; request < requests + ROWS; request++) {
        absw_decision_t with;
        absw_decision_t without;

        if (request->side != ABSW_NO_SIDE) {
            continue;
        }
        with = decide(request, SIDE_A, SIDE_B, request->post ? &posts : &gets);
        without = decide(request, ABSW_NO_SIDE, SIDE_B, request->post ? &posts : &gets);
        if (request->post) {
            expect(request, &with, ABSW_LAUNCHPAD, 303, SIDE_B, SIDE_B);
            expect(request, &without, ABSW_LAUNCHPAD, 303, SIDE_B, SIDE_B);
        }
        else {
            expect(request, &with, ABSW_LAUNCHPAD, 302, SIDE_A, ABSW_NO_SIDE);
            expect(request, &without, ABSW_LAUNCHPAD, 302, SIDE_B, SIDE_B);
            with = decide(request, SIDE_A, SIDE_B, &shows);
            expect(request, &with, ABSW_UNTOUCHED, 0, ABSW_NO_SIDE, ABSW_NO_SIDE);
        }
        n++;
    }
    assert_true(n > 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_read),
        cmocka_unit_test(test_cases_exist),
        cmocka_unit_test(test_navigations),
        cmocka_unit_test(test_with_a_session_here),
        cmocka_unit_test(test_with_a_session_there),
        cmocka_unit_test(test_without_a_session),
        cmocka_unit_test(test_launchpad),
    };

    if (argc > 1) {
        file = argv[1];
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, read_requests, NULL);
}
