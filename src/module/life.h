/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_LIFE_H
#define ABSWITCH_LIFE_H

#include "module.h"

/** The node's life: made in the parent, joined by children, kept over restarts. */

void abswitch_life_register_hooks(apr_pool_t *p);

#endif
