/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <stdlib.h>

#include <apr_strings.h>

#include "options.h"

static apr_pool_t *pool;

/* The tool's words, parted by spaces; "_" stands for a space within one. */
static int split(const char *line, const char **argv)
{
    char *state;
    int n = 0;

    argv[n++] = "abswitchctl";
    for (char *word = apr_strtok(apr_pstrdup(pool, line), " ", &state); word;
         word = apr_strtok(NULL, " ", &state)) {
        for (char *c = word; *c; c++) {
            *c = *c == '_' ? ' ' : *c;
        }
        argv[n++] = word;
    }
    argv[n] = NULL;
    return n;
}

static const char *read_line(const char *line, ctl_options_t *options)
{
    const char *argv[64];
    int n = split(line, argv);

    return ctl_options_read(n, argv, pool, options);
}

static void test_command(void **state)
{
    static const struct {
        const char *line;
        const char *command;        /* NULL: none */
        const char *arguments;
    } rows[] = {
        { "status", "status", "" },
        { "status contact", "status", "contact" },
        { "flip contact B", "flip", "contact B" },
        { "--json flip contact --note x B", "flip", "contact B" },
        { "flip -- contact -B", "flip", "contact -B" },
        { "-- status --json", "status", "--json" },
        { "status -", "status", "-" },
        { "--help", NULL, "" },
        { "help", NULL, "" },
        { "help flip", "flip", "" },
        { "flip --help", "flip", "" },
        { "-h flip a b c d", "flip", "a b c d" },
        { "--version", NULL, "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ctl_options_t options;
        const char *wrong = read_line(rows[i].line, &options);
        const char *arguments = "";

        if (wrong) {
            fail_msg("%s: %s", rows[i].line, wrong);
        }
        assert_int_equal(options.command != NULL, rows[i].command != NULL);
        if (rows[i].command) {
            assert_string_equal(options.command->name, rows[i].command);
        }
        for (int n = 0; n < options.arguments_n; n++) {
            arguments = apr_pstrcat(pool, arguments, n ? " " : "", options.arguments[n], NULL);
        }
        assert_string_equal(arguments, rows[i].arguments);
        assert_null(options.arguments[options.arguments_n]);
    }
}

static void test_values(void **state)
{
    ctl_options_t o;

    (void)state;
    unsetenv("ABSWITCH_URL");
    assert_null(read_line("status", &o));
    assert_string_equal(o.url, "http://localhost/abswitch-manager");
    assert_null(o.user);
    assert_int_equal(o.timeout, -1);
    assert_int_equal(o.connect_timeout, 5000000);
    assert_int_equal(o.warn, -1);
    assert_string_equal(o.note, "");
    assert_false(o.json || o.netrc || o.fail_unknown || o.wants_help);

    setenv("ABSWITCH_URL", "http://web1/m", 1);
    assert_null(read_line("status", &o));
    assert_string_equal(o.url, "http://web1/m");
    assert_null(read_line("status --url=https://web2/m", &o));
    assert_string_equal(o.url, "https://web2/m");
    setenv("ABSWITCH_URL", "", 1);
    assert_null(read_line("status", &o));
    assert_string_equal(o.url, "http://localhost/abswitch-manager");

    assert_null(read_line("--user alice:a:b= status", &o));
    assert_string_equal(o.user, "alice");
    assert_string_equal(o.password, "a:b=");
    assert_null(read_line("--user alice status", &o));
    assert_string_equal(o.user, "alice");
    assert_null(o.password);
    assert_null(read_line("--user alice: status", &o));
    assert_string_equal(o.password, "");

    assert_null(read_line("wait a A --timeout 30min --fail-unknown --connect-timeout=500ms", &o));
    assert_int_equal(o.timeout, APR_INT64_C(1800) * APR_USEC_PER_SEC);
    assert_int_equal(o.connect_timeout, 500000);
    assert_true(o.fail_unknown);
    assert_null(read_line("wait a A --timeout 0", &o));
    assert_int_equal(o.timeout, 0);

    assert_null(read_line("check a -w10 -c 20", &o));
    assert_int_equal(o.warn, 10);
    assert_int_equal(o.critical, 20);
    assert_null(read_line("check a --warning=0 --critical 1", &o));
    assert_int_equal(o.warn, 0);
    assert_int_equal(o.critical, 1);

    assert_null(read_line("flip a B --note new_version", &o));
    assert_string_equal(o.note, "new version");
    assert_null(read_line("status --json --netrc --cacert x.pem", &o));
    assert_true(o.json && o.netrc);
    assert_string_equal(o.cacert, "x.pem");
}

static void test_wrong(void **state)
{
    static const struct {
        const char *line;
        const char *why;
    } rows[] = {
        { "", "no command" },
        { "bogus", "there is no command \"bogus\"" },
        { "help bogus", "there is no command \"bogus\"" },
        { "--bogus status", "there is no option \"--bogus\"" },
        { "status --js", "there is no option \"--js\"" },
        { "status -x", "there is no option \"-x\"" },
        { "status --json=1", "\"--json\" takes no value" },
        { "check a -w", "\"-w\" needs a value" },
        { "status --url", "\"--url\" needs a value" },
        { "status --url=", "--url: it is empty" },
        { "status --user :x", "--user: give NAME" },
        { "status --user a --netrc", "exclude each other" },
        { "status a b", "usage: abswitchctl status [APP]" },
        { "flip a", "usage: abswitchctl flip APP SIDE" },
        { "flip a b c", "usage: abswitchctl flip APP SIDE" },
        { "weights a", "usage: abswitchctl weights APP SIDE=N..." },
        { "status --note x", "\"status\" does not take the option \"--note\"" },
        { "retire a n --note x", "\"retire\" does not take the option \"--note\"" },
        { "flip a b --fail-unknown", "does not take the option \"--fail-unknown\"" },
        { "flip a b -w 3 --note x", "does not take the option \"-w\"" },
        { "wait a b --timeout x", "--timeout: give a time" },
        { "wait a b --timeout -1", "--timeout: give a time" },
        { "wait a b --timeout 8761h", "--timeout: give a time up to 8760h" },
        { "status --timeout 0", "--timeout: nothing is answered in no time" },
        { "status --connect-timeout 0ms", "--connect-timeout: give a time" },
        { "check a -w x", "-w: give a number" },
        { "check a -w -1", "-w: give a number" },
        { "check a -c 1.5", "-c: give a number" },
        { "flip a b --note a\x01", "--note: a note is text" },
        { "flip a b --note \xff", "--note: a note is text" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ctl_options_t options;
        const char *wrong = read_line(rows[i].line, &options);

        if (!wrong || !strstr(wrong, rows[i].why)) {
            fail_msg("%s: %s", rows[i].line, wrong ? wrong : "accepted");
        }
        if (strstr(wrong, ":x")) {
            fail_msg("a password is shown: %s", wrong);
        }
    }
}

/* `check` has exit statuses of its own, so it must be known by whatever else is wrong. */
static void test_command_of_wrong(void **state)
{
    ctl_options_t options;

    (void)state;
    assert_non_null(read_line("check a --bogus", &options));
    assert_string_equal(options.command->name, "check");
    assert_non_null(read_line("--bogus check a", &options));
    assert_string_equal(options.command->name, "check");
    assert_non_null(read_line("check", &options));
    assert_string_equal(options.command->name, "check");
}

static void test_note_length(void **state)
{
    ctl_options_t options;
    char note[2 * 201 + 1] = "";

    (void)state;
    for (int i = 0; i < 200; i++) {
        strcat(note, "\xc3\xa4");
    }
    assert_null(read_line(apr_pstrcat(pool, "flip a b --note ", note, NULL), &options));
    strcat(note, "x");
    assert_non_null(read_line(apr_pstrcat(pool, "flip a b --note ", note, NULL), &options));
}

static void test_hide(void **state)
{
    static const struct {
        const char *given;
        const char *left;
    } rows[] = {
        { "--user=alice:secret", "--user=alice" },
        { "--user=alice", "--user=alice" },
        { "--user=alice:", "--user=alice" },
        { "--url=http://alice:secret@web1/m", "--url=http://alice" },
        { "--url=http://web1:8080/m", "--url=http://web1:8080/m" },
        { "--url=http://web1/x:y@z", "--url=http://web1/x:y@z" },
        { "--url=alice:secret@web1", "--url=alice" },
        { "--note=alice:secret", "--note=alice:secret" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *argv[] = { "abswitchctl", apr_pstrdup(pool, rows[i].given), NULL };
        char *pair[] = { "abswitchctl", NULL, NULL, NULL };
        apr_size_t len = strlen(rows[i].given);
        char *value;

        ctl_options_hide(2, argv);
        assert_string_equal(argv[1], rows[i].left);
        /* not a byte of it is left behind the end either */
        for (apr_size_t n = strlen(argv[1]); n < len; n++) {
            assert_int_equal(argv[1][n], 0);
        }
        pair[1] = apr_pstrdup(pool, rows[i].given);
        value = strchr(pair[1], '=');
        *value = '\0';
        pair[2] = value + 1;
        ctl_options_hide(3, pair);
        assert_string_equal(pair[2], strchr(rows[i].left, '=') + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_command_of_wrong),
        cmocka_unit_test(test_note_length),
        cmocka_unit_test(test_hide),
    };

    apr_initialize();
    apr_pool_create(&pool, NULL);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
