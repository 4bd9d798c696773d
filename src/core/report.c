/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "report_facts.h"
#include "text.h"

static absw_fact_t word(const char *name, const char *text)
{
    return (absw_fact_t) { .name = name, .kind = ABSW_FACT_WORD, .word = text };
}

static absw_fact_t number(const char *name, apr_int64_t n)
{
    return (absw_fact_t) { .name = name, .kind = ABSW_FACT_NUMBER, .number = n };
}

static absw_fact_t flag(const char *name, int n)
{
    return (absw_fact_t) { .name = name, .kind = ABSW_FACT_FLAG, .number = n != 0 };
}

static absw_fact_t precise(const char *name, apr_time_t t)
{
    return (absw_fact_t) { .name = name, .kind = ABSW_FACT_TIME, .number = t };
}

static absw_fact_t nothing(const char *name, absw_fact_kind_e kind)
{
    return (absw_fact_t) { .name = name, .kind = kind };
}

/* A moment in whole seconds; 0: there is none. */
static absw_fact_t moment(const char *name, absw_sec_t t)
{
    return t ? number(name, t) : nothing(name, ABSW_FACT_NONE);
}

void absw_report_facts_of_node(const absw_report_t *report, absw_fact_t *f)
{
    *f++ = number("schema", 1);
    *f++ = word("module", report->module);
    *f++ = word("node", report->node);
    *f++ = precise("time", report->time);
    f->kind = ABSW_FACT_END;
}

void absw_report_facts_of_side(const absw_report_side_t *side, absw_fact_t *f)
{
    *f++ = word("side", side->name);
    *f++ = word("path", *side->path ? side->path : "/");
    *f++ = word("state", absw_side_state_name(side->state));
    *f++ = word("drain", absw_drain_name(side->drain));
    *f++ = word("reason", side->reason);
    *f++ = side->known ? number("sessions", side->sessions)
                       : nothing("sessions", ABSW_FACT_UNKNOWN);
    *f++ = flag("exact", side->exact);
    *f++ = number("testers", side->testers);
    *f++ = number("in_flight", side->in_flight);
    *f++ = moment("draining_since", side->draining_since);
    *f++ = moment("deadline", side->deadline);
    *f++ = moment("empty_if_idle", side->empty_if_idle);
    f->kind = ABSW_FACT_END;
}

static absw_fact_t served_within(const char *name, const absw_tally_t *tally, double part)
{
    apr_interval_time_t took = absw_tally_within(tally, part);

    return took >= 0 ? precise(name, took) : nothing(name, ABSW_FACT_NONE);
}

void absw_report_facts_of_tally(const absw_tally_t *tally, absw_fact_t *f)
{
    for (int i = 0; i < ABSW_TALLY_CLASSES; i++) {
        *f++ = number(absw_tally_class_name(i), (apr_int64_t)tally->classes[i]);
    }
    *f++ = served_within("median", tally, 0.5);
    *f++ = served_within("p95", tally, 0.95);
    f->kind = ABSW_FACT_END;
}

void absw_report_facts_of_peer(const absw_report_node_t *peer, absw_fact_t *f)
{
    *f++ = word("node", peer->name);
    *f++ = word("state", absw_node_state_name(peer->state));
    *f++ = peer->generation >= 0 ? number("generation", peer->generation)
                                 : nothing("generation", ABSW_FACT_UNKNOWN);
    *f++ = peer->age >= 0 ? precise("age", peer->age) : nothing("age", ABSW_FACT_UNKNOWN);
    f->kind = ABSW_FACT_END;
}

void absw_report_facts_of_switch(const absw_switch_t *rec, absw_fact_t *before,
                                 absw_fact_t *after)
{
    *before++ = number("generation", rec->generation);
    before->kind = ABSW_FACT_END;
    *after++ = moment("at", rec->at);
    *after++ = word("by", rec->by);
    *after++ = word("note", rec->note);
    after->kind = ABSW_FACT_END;
}

const char *absw_report_clean(const char *s, apr_pool_t *pool)
{
    apr_size_t len = s ? strlen(s) : 0;
    char *copy;

    if (!s || absw_text_is_clean(s, len)) {
        return s ? s : "";
    }
    copy = apr_palloc(pool, len + 1);
    absw_text_clean(copy, len + 1, s);
    return copy;
}
