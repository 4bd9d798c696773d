/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_EMIT_H
#define CTL_EMIT_H

#include <jansson.h>

#include "ctl.h"

/** Print an object on one line, in ASCII, and give it back. NULL, from a json_pack() that found no
 * memory, prints {}. */
void ctl_emit(ctl_t *ctl, json_t *object);

#endif
