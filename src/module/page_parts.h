/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_PAGE_PARTS_H
#define ABSWITCH_PAGE_PARTS_H

#include "markup.h"

/** The parts of the status page. number: of the application on the page, for its ids. */

/** An application: the section with everything below. */
void abswitch_page_app(abswitch_markup_t *m, const absw_report_app_t *app, int number);

/** A side: its card. */
void abswitch_page_side(abswitch_markup_t *m, const absw_report_app_t *app, int number, int side);

/** The manager's controls; nothing on a page that is read only. */
void abswitch_page_side_orders(abswitch_markup_t *m, const absw_report_app_t *app, int side);
void abswitch_page_app_orders(abswitch_markup_t *m, const absw_report_app_t *app, int number);
void abswitch_page_node_orders(abswitch_markup_t *m, const absw_report_app_t *app);

/** What will happen to how many people if next takes the place of the record in force: a list. */
void abswitch_page_foresee(abswitch_markup_t *m, const absw_report_app_t *app,
                           const absw_switch_t *next);

/** "New sessions land on A (75 %) and B (25 %)." */
void abswitch_page_landing(abswitch_markup_t *m, const absw_policy_t *policy,
                           const apr_uint32_t *weight);

/** What a side has answered, in its list; and a word on each that fails more than another. */
void abswitch_page_responses(abswitch_markup_t *m, const absw_report_side_t *side);
void abswitch_page_worse(abswitch_markup_t *m, const absw_report_app_t *app);

/** The tables: panels. */
void abswitch_page_nodes(abswitch_markup_t *m, const absw_report_app_t *app, int number);
void abswitch_page_log(abswitch_markup_t *m, const absw_report_app_t *app, int number);
void abswitch_page_verdicts(abswitch_markup_t *m, const absw_report_app_t *app, int number);

/** What to say before a count that is not exact: "about ", "at least "; "" if it is. */
const char *abswitch_page_about(const absw_report_app_t *app, int side);

/** A side's part of the new sessions: "75 %", "&lt; 1 %". */
const char *abswitch_page_share(abswitch_markup_t *m, const absw_report_app_t *app, int side);

/** The word on a side's badge: its state, or what is known of its drain. */
const char *abswitch_page_word(const absw_report_side_t *side);

#endif
