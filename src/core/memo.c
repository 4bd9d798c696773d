/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <string.h>

#include "memo.h"

/*
 * A place is written by the one thread that makes its version odd, and is even again when it is
 * whole. Words are stored with release and loaded with acquire; so who met a word of a later
 * writer sees another version in his second look.
 */

#define TEXT_WORDS      12
#define TEXT_MIN        16          /* bytes; no token is so short */
#define TEXT_MAX        (8 * TEXT_WORDS)
#define VALUE_WORDS     ((sizeof(absw_memo_value_t) + 7) / 8)

typedef struct {
    _Atomic apr_uint32_t version;
    _Atomic apr_uint32_t key;           /* application and length */
    _Atomic apr_uint64_t text[TEXT_WORDS];
    _Atomic apr_uint64_t value[VALUE_WORDS];
} place_t;

struct absw_memo_t {
    place_t *places;
    apr_uint64_t mask;
};

absw_memo_t *absw_memo_make(apr_pool_t *pool, apr_uint32_t n)
{
    absw_memo_t *memo = apr_pcalloc(pool, sizeof(*memo));
    apr_uint32_t places = 1;

    while (places < n) {
        places *= 2;
    }
    memo->mask = places - 1;
    memo->places = apr_pcalloc(pool, places * sizeof(place_t));
    return memo;
}

static inline apr_uint64_t word_at(const char *text)
{
    apr_uint64_t word;

    memcpy(&word, text, sizeof(word));
    return word;
}

/** By the end of the tag, which is as good as random. */
static inline place_t *place_of(const absw_memo_t *memo, const char *text, apr_size_t len)
{
    return &memo->places[(word_at(text + len - 8) * APR_UINT64_C(0x9e3779b97f4a7c15) >> 32)
                         & memo->mask];
}

static inline apr_uint32_t key_of(int app, apr_size_t len)
{
    return (apr_uint32_t)app << 8 | (apr_uint32_t)len;
}

static inline int has_room(apr_size_t len)
{
    return len >= TEXT_MIN && len <= TEXT_MAX;
}

static inline apr_uint64_t load(_Atomic apr_uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

/** Not 0: the text is another. All of it is looked at, wherever it begins to differ. Whole words,
 * two at a time, then the last 16 bytes, some of them once more. */
static inline apr_uint64_t differs(place_t *place, const char *text, apr_size_t len)
{
    const char *last = text + len - 16;
    _Atomic apr_uint64_t *word = place->text;
    apr_uint64_t differs = 0;

    for (; text < last; text += 16, word += 2) {
        differs |= (load(word) ^ word_at(text)) | (load(word + 1) ^ word_at(text + 8));
    }
    return differs | (load(word) ^ word_at(last)) | (load(word + 1) ^ word_at(last + 8));
}

static inline void store(_Atomic apr_uint64_t *word, apr_uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_release);
}

int absw_memo_find(absw_memo_t *memo, int app, const char *text, apr_size_t len,
                   absw_memo_value_t *value)
{
    apr_uint64_t word;
    apr_uint32_t version;
    place_t *place;

    if (!has_room(len)) {
        return 0;
    }
    place = place_of(memo, text, len);
    version = atomic_load_explicit(&place->version, memory_order_acquire);
    if (version % 2 != 0
        || atomic_load_explicit(&place->key, memory_order_acquire) != key_of(app, len)
        || differs(place, text, len)) {
        return 0;
    }
    for (apr_size_t i = 0; i < VALUE_WORDS; i++) {
        word = load(&place->value[i]);
        memcpy((char *)value + 8 * i, &word, sizeof(word));
    }
    if (atomic_load_explicit(&place->version, memory_order_relaxed) != version) {
        return 0;       /* it was overwritten meanwhile */
    }
    return absw_table_is_at(&value->spot);
}

void absw_memo_keep(absw_memo_t *memo, int app, const char *text, apr_size_t len,
                    const absw_memo_value_t *value)
{
    const char *last = text + len - 16;
    _Atomic apr_uint64_t *word;
    apr_uint32_t version;
    place_t *place;

    if (!has_room(len) || !value->spot.slot) {
        return;
    }
    place = place_of(memo, text, len);
    version = atomic_load(&place->version);
    if (version % 2 != 0
        || !atomic_compare_exchange_strong(&place->version, &version, version + 1)) {
        return;     /* another thread is at it */
    }
    atomic_store_explicit(&place->key, key_of(app, len), memory_order_release);
    for (word = place->text; text < last; text += 16, word += 2) {
        store(word, word_at(text));
        store(word + 1, word_at(text + 8));
    }
    store(word, word_at(last));
    store(word + 1, word_at(last + 8));
    for (apr_size_t i = 0; i < VALUE_WORDS; i++) {
        store(&place->value[i], word_at((const char *)value + 8 * i));
    }
    atomic_store(&place->version, version + 2);
}
