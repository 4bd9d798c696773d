/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <string.h>

#include <apr_portable.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include "mac.h"

/*
 * A context computes one MAC at a time. The master is only copied. To copy costs twice what it
 * does to begin anew with a context that is done, so the copies are kept: a thread takes the one
 * at its place, and makes one where nobody has left any, or another thread is using it.
 */

#define PLACE_BITS  4
#define LINE        64              /* bytes of a processor's cache line */

typedef union {
    _Atomic(EVP_MAC_CTX *) context;
    char alone[LINE];
} place_t;

struct absw_mac_t {
    EVP_MAC_CTX *master;
    int again;                      /* can a context that is done begin anew? */
    place_t places[1 << PLACE_BITS];
};

static apr_status_t free_contexts(void *data)
{
    absw_mac_t *mac = data;

    for (int i = 0; i < 1 << PLACE_BITS; i++) {
        EVP_MAC_CTX_free(mac->places[i].context);
    }
    EVP_MAC_CTX_free(mac->master);
    return APR_SUCCESS;
}

static EVP_MAC_CTX *make_master(const unsigned char *key, apr_size_t len)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *master = EVP_MAC_CTX_new(hmac);

    EVP_MAC_free(hmac);             /* the context has a hold on it */
    if (master && !EVP_MAC_init(master, key, len, params)) {
        EVP_MAC_CTX_free(master);
        master = NULL;
    }
    return master;
}

static int finish(EVP_MAC_CTX *context, const void *data, apr_size_t len, unsigned char *out)
{
    size_t out_len = 0;

    return EVP_MAC_update(context, data, len)
           && EVP_MAC_final(context, out, &out_len, ABSW_MAC_LEN) && out_len == ABSW_MAC_LEN;
}

static int begin_anew(EVP_MAC_CTX *context)
{
    return EVP_MAC_init(context, NULL, 0, NULL);
}

/** The first releases of libcrypto 3.0 say that they began anew, and then compute another MAC. */
static int can_begin_anew(const EVP_MAC_CTX *master)
{
    static const char data[] = "the same twice";
    unsigned char once[ABSW_MAC_LEN], twice[ABSW_MAC_LEN];
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(master);
    int can = context && finish(context, data, sizeof(data), once) && begin_anew(context)
              && finish(context, data, sizeof(data), twice) && !memcmp(once, twice, sizeof(once));

    EVP_MAC_CTX_free(context);
    return can;
}

absw_mac_t *absw_mac_make(apr_pool_t *pool, const unsigned char *key, apr_size_t len)
{
    absw_mac_t *mac = apr_pcalloc(pool, sizeof(*mac));

    mac->master = make_master(key, len);
    if (!mac->master) {
        return NULL;
    }
    apr_pool_cleanup_register(pool, mac, free_contexts, apr_pool_cleanup_null);
    mac->again = can_begin_anew(mac->master);
    return mac;
}

static place_t *place_of_thread(absw_mac_t *mac)
{
    apr_uint64_t thread = (apr_uint64_t)apr_os_thread_current();

    return &mac->places[thread * APR_UINT64_C(0x9e3779b97f4a7c15) >> (64 - PLACE_BITS)];
}

int absw_mac_compute(absw_mac_t *mac, const void *data, apr_size_t len, unsigned char *out)
{
    place_t *place = place_of_thread(mac);
    EVP_MAC_CTX *context = atomic_exchange(&place->context, NULL);
    EVP_MAC_CTX *nobody = NULL;
    int done;

    if (!context) {
        context = EVP_MAC_CTX_dup(mac->master);
    }
    done = context && finish(context, data, len, out);
    if (!done || !mac->again || !begin_anew(context)
        || !atomic_compare_exchange_strong(&place->context, &nobody, context)) {
        EVP_MAC_CTX_free(context);
    }
    return done;
}

int absw_mac_once(const unsigned char *key, apr_size_t key_len, const void *data, apr_size_t len,
                  unsigned char *out)
{
    unsigned int out_len = 0;

    return HMAC(EVP_sha256(), key, (int)key_len, data, len, out, &out_len) != NULL
           && out_len == ABSW_MAC_LEN;
}
