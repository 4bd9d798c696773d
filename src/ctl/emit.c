/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "emit.h"

void ctl_emit(ctl_t *ctl, json_t *object)
{
    char *text = json_dumps(object, JSON_ENSURE_ASCII);

    ctl_say(&ctl->out, "%s\n", text ? text : "{}");
    free(text);
    json_decref(object);
}
