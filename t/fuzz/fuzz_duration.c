/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "duration.h"
#include "fuzz.h"
#include "store_address.h"

/*
 * What an administrator writes in the configuration, a line each: a duration, and the address of
 * the store.
 *
 * A duration that parses formats back the same, but for what is no whole unit; an address that
 * does not parse says so in one sentence.
 */

static void read_duration(const char *word)
{
    char text[ABSW_DURATION_TEXT_MAX];
    apr_interval_time_t duration = -1;
    apr_interval_time_t again = -1;

    if (!absw_duration_parse(word, &duration)) {
        FUZZ_HOLDS(duration == -1);
        return;
    }
    FUZZ_HOLDS(duration >= 0 && *word >= '0' && *word <= '9');
    absw_duration_text(duration, text);
    FUZZ_HOLDS(strlen(text) < sizeof(text));
    if (strspn(text, "0123456789") <= 12) {
        FUZZ_HOLDS(absw_duration_parse(text, &again) && again == duration);
    }
}

static void read_address(const char *value, apr_pool_t *pool)
{
    absw_store_address_t address;
    const char *error = absw_store_address_parse(pool, value, &address);

    if (error) {
        FUZZ_HOLDS(!strncmp(error, "ABSwitchStore", 13));
        return;
    }
    FUZZ_HOLDS(address.n >= 0 && address.n <= ABSW_STORE_SERVERS_MAX);
    for (int i = 0; i < address.n; i++) {
        const absw_store_place_t *place = &address.servers[i];
        const char *again = apr_pstrcat(pool, "memcache:", place->name, NULL);
        absw_store_address_t one;

        FUZZ_HOLDS((place->host != NULL) != (place->path != NULL));
        FUZZ_HOLDS(!place->host || (*place->host && place->port > 0));
        FUZZ_HOLDS(!place->path || *place->path == '/');
        FUZZ_HOLDS(absw_store_address_parse(pool, again, &one) == NULL && one.n == 1);
        FUZZ_HOLDS(!strcmp(one.servers[0].name, place->name));
    }
}

void fuzz(fuzz_t *in)
{
    read_duration(fuzz_line(in));
    read_address(fuzz_line(in), in->pool);
}
