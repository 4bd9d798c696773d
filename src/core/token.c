/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/crypto.h>

#include "hex.h"
#include "mac.h"
#include "token.h"

#define SECRET_MIN  32
#define SECRET_MAX  512
#define KIDS        62              /* [A-Za-z0-9] */
#define B64_LEN     22              /* characters of 16 bytes in base64url without padding */
#define HEAD_LEN    4               /* "1.k." */
#define FLAGS_LEN   2               /* "-." */
#define TAIL_LEN    (2 + 2 * B64_LEN)   /* ".<id>.<tag>" */
#define LOGIN_DIGITS 19             /* of APR_INT64_MAX, and a 64-bit word holds any so many */

#define VERSION     "mod_abswitch/1"
#define FORM        "expected \"KID HEX\": one letter or digit, a blank, " \
                    "an even number of 64 to 1024 hex digits"

typedef struct {
    char kid;
    absw_mac_t *mac;                    /* of tokens */
    apr_uint32_t check;
    unsigned char secret[SECRET_MAX];   /* for absw_keys_derive */
    apr_size_t secret_len;
} absw_key_t;

struct absw_keys_t {
    int n;
    absw_key_t keys[KIDS];          /* newest first */
};

/* -- Keys ---------------------------------------------------------------------------------- */

static int is_alnum(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static apr_status_t wipe_keys(void *data)
{
    OPENSSL_cleanse(data, sizeof(absw_keys_t));
    return APR_SUCCESS;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* "KID HEX" -> kid and secret; the secret's length, or 0 if the line has another form. */
static apr_size_t read_line(const char *line, apr_size_t len, char *kid, unsigned char *secret)
{
    apr_size_t n = 0;
    apr_size_t i = 1;

    if (len < 2 || !is_alnum(line[0]) || !is_blank(line[1])) {
        return 0;
    }
    while (i < len && is_blank(line[i])) {
        i++;
    }
    for (; i + 1 < len && n < SECRET_MAX; i += 2) {
        int byte = absw_hex_byte(line + i);

        if (byte < 0) {
            return 0;
        }
        secret[n++] = (unsigned char)byte;
    }
    *kid = line[0];
    return (i == len && n >= SECRET_MIN) ? n : 0;
}

/* The check value has a label of its own, so it says nothing about the key that signs. */
static int add_key(apr_pool_t *pool, absw_keys_t *keys, char kid, const unsigned char *secret,
                   apr_size_t len)
{
    static const char sign_label[] = VERSION " token";
    static const char check_label[] = VERSION " check";
    absw_key_t *key = &keys->keys[keys->n];
    unsigned char sign[ABSW_MAC_LEN];
    unsigned char check[ABSW_MAC_LEN];
    int done = absw_mac_once(secret, len, sign_label, sizeof(sign_label) - 1, sign)
               && (key->mac = absw_mac_make(pool, sign, sizeof(sign))) != NULL
               && absw_mac_once(secret, len, check_label, sizeof(check_label) - 1, check);

    OPENSSL_cleanse(sign, sizeof(sign));
    if (!done) {
        return 0;
    }
    key->kid = kid;
    key->check = (apr_uint32_t)check[0] << 24 | (apr_uint32_t)check[1] << 16
                 | (apr_uint32_t)check[2] << 8 | check[3];
    if (key->check == 0) {
        key->check = 1;
    }
    memcpy(key->secret, secret, len);
    key->secret_len = len;
    keys->n++;
    return 1;
}

static const absw_key_t *find_key(const absw_keys_t *keys, char kid)
{
    for (int i = 0; i < keys->n; i++) {
        if (keys->keys[i].kid == kid) {
            return &keys->keys[i];
        }
    }
    return NULL;
}

/* One line without its end. NULL, or what is wrong with it. */
static const char *parse_line(apr_pool_t *pool, absw_keys_t *keys, const char *line,
                              apr_size_t len)
{
    unsigned char secret[SECRET_MAX];
    const char *why = NULL;
    apr_size_t secret_len;
    char kid = 0;

    while (len && (is_blank(line[len - 1]) || line[len - 1] == '\r')) {
        len--;
    }
    if (len == 0 || line[0] == '#') {
        return NULL;
    }
    secret_len = read_line(line, len, &kid, secret);
    if (secret_len == 0) {
        why = FORM;
    }
    else if (find_key(keys, kid)) {
        why = "its KID was used in a line above, every key needs its own";
    }
    else if (!add_key(pool, keys, kid, secret, secret_len)) {
        why = "libcrypto could not compute HMAC-SHA-256";
    }
    OPENSSL_cleanse(secret, sizeof(secret));
    return why;
}

absw_keys_t *absw_keys_parse(apr_pool_t *pool, const char *text, apr_size_t len,
                             const char **error)
{
    absw_keys_t *keys = apr_pcalloc(pool, sizeof(*keys));
    const char *end = text + len;
    int number = 0;

    apr_pool_cleanup_register(pool, keys, wipe_keys, apr_pool_cleanup_null);
    while (text < end) {
        const char *eol = memchr(text, '\n', (apr_size_t)(end - text));
        apr_size_t line_len = (apr_size_t)((eol ? eol : end) - text);
        const char *why = parse_line(pool, keys, text, line_len);

        number++;
        if (why) {
            *error = apr_psprintf(pool, "line %d: %s", number, why);
            return NULL;
        }
        text += line_len + (eol ? 1 : 0);
    }
    if (keys->n == 0) {
        *error = "there is no key in it, " FORM;
        return NULL;
    }
    return keys;
}

static apr_status_t wipe_text(void *data)
{
    OPENSSL_cleanse(data, strlen(data));
    return APR_SUCCESS;
}

const char *absw_keys_generate(apr_pool_t *pool)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char secret[SECRET_MIN];
    char *text;
    char *p;

    if (apr_generate_random_bytes(secret, sizeof(secret)) != APR_SUCCESS) {
        return NULL;
    }
    p = text = apr_palloc(pool, 2 + 2 * sizeof(secret) + 2);
    *p++ = 'k';
    *p++ = ' ';
    for (apr_size_t i = 0; i < sizeof(secret); i++) {
        *p++ = hex[secret[i] >> 4];
        *p++ = hex[secret[i] & 15];
    }
    *p++ = '\n';
    *p = '\0';
    OPENSSL_cleanse(secret, sizeof(secret));
    apr_pool_cleanup_register(pool, text, wipe_text, apr_pool_cleanup_null);
    return text;
}

apr_uint32_t absw_keys_check(const absw_keys_t *keys, char kid)
{
    const absw_key_t *key = find_key(keys, kid);

    return key ? key->check : 0;
}

char absw_keys_first(const absw_keys_t *keys)
{
    return keys->keys[0].kid;
}

int absw_keys_derive(const absw_keys_t *keys, char kid, const char *label, unsigned char *out)
{
    const absw_key_t *key = find_key(keys, kid);

    return key && absw_mac_once(key->secret, key->secret_len, label, strlen(label), out);
}

/* -- base64url (RFC 4648 section 5) of 16 bytes -------------------------------------------- */

static const char b64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Five times three bytes, and one. */
static void b64_encode(const unsigned char *in, char *out)
{
    for (int i = 0; i < 5; i++, in += 3) {
        *out++ = b64_alphabet[in[0] >> 2];
        *out++ = b64_alphabet[(in[0] & 3) << 4 | in[1] >> 4];
        *out++ = b64_alphabet[(in[1] & 15) << 2 | in[2] >> 6];
        *out++ = b64_alphabet[in[2] & 63];
    }
    *out++ = b64_alphabet[in[0] >> 2];
    *out = b64_alphabet[(in[0] & 3) << 4];
}

/* By character: its six bits, or -1. The ranges leave out nothing. */
static const signed char b64_values[256] = {
    [0 ... ','] = -1, ['-'] = 62, ['.' ... '/'] = -1,
    ['0'] = 52, ['1'] = 53, ['2'] = 54, ['3'] = 55, ['4'] = 56, ['5'] = 57, ['6'] = 58,
    ['7'] = 59, ['8'] = 60, ['9'] = 61, [':' ... '@'] = -1,
    ['A'] = 0, ['B'] = 1, ['C'] = 2, ['D'] = 3, ['E'] = 4, ['F'] = 5, ['G'] = 6, ['H'] = 7,
    ['I'] = 8, ['J'] = 9, ['K'] = 10, ['L'] = 11, ['M'] = 12, ['N'] = 13, ['O'] = 14, ['P'] = 15,
    ['Q'] = 16, ['R'] = 17, ['S'] = 18, ['T'] = 19, ['U'] = 20, ['V'] = 21, ['W'] = 22,
    ['X'] = 23, ['Y'] = 24, ['Z'] = 25, ['[' ... '^'] = -1, ['_'] = 63, ['`'] = -1,
    ['a'] = 26, ['b'] = 27, ['c'] = 28, ['d'] = 29, ['e'] = 30, ['f'] = 31, ['g'] = 32,
    ['h'] = 33, ['i'] = 34, ['j'] = 35, ['k'] = 36, ['l'] = 37, ['m'] = 38, ['n'] = 39,
    ['o'] = 40, ['p'] = 41, ['q'] = 42, ['r'] = 43, ['s'] = 44, ['t'] = 45, ['u'] = 46,
    ['v'] = 47, ['w'] = 48, ['x'] = 49, ['y'] = 50, ['z'] = 51, ['{' ... 255] = -1,
};

/* The 24 bits of four characters; where one of them is none, some bit above is set. */
static inline apr_uint32_t b64_quad(const unsigned char *in)
{
    return (apr_uint32_t)b64_values[in[0]] << 18 | (apr_uint32_t)b64_values[in[1]] << 12
           | (apr_uint32_t)b64_values[in[2]] << 6 | (apr_uint32_t)b64_values[in[3]];
}

/* Eight bytes, the most significant first. */
static inline void put_word(unsigned char *out, apr_uint64_t word)
{
#if !APR_IS_BIGENDIAN
    word = __builtin_bswap64(word);
#endif
    memcpy(out, &word, sizeof(word));
}

/* B64_LEN characters: five times four, and two. The last carries four bits too many: they must
 * be zero, or one value would have sixteen spellings. */
static int b64_decode(const char *text, unsigned char *bytes)
{
    const unsigned char *in = (const unsigned char *)text;
    apr_uint32_t a = b64_quad(in), b = b64_quad(in + 4), c = b64_quad(in + 8);
    apr_uint32_t d = b64_quad(in + 12), e = b64_quad(in + 16);
    apr_uint32_t last = (apr_uint32_t)b64_values[in[20]] << 6 | (apr_uint32_t)b64_values[in[21]];

    put_word(bytes, (apr_uint64_t)a << 40 | (apr_uint64_t)b << 16 | c >> 8);
    put_word(bytes + 8, (apr_uint64_t)c << 56 | (apr_uint64_t)d << 32 | (apr_uint64_t)e << 8
                        | last >> 4);
    return ((a | b | c | d | e) >> 24 | last >> 12 | (last & 15)) == 0;
}

/* -- Tokens -------------------------------------------------------------------------------- */

/* The side whose name and a dot p begins with; *p moves behind them. */
static int parse_side(const absw_policy_t *policy, const char **p, const char *end)
{
    for (int i = 0; i < policy->sides_n; i++) {
        const char *name = policy->sides[i].name;
        const char *at = *p;

        while (at < end && *name != '\0' && *name == *at) {
            name++;
            at++;
        }
        if (*name == '\0' && at < end && *at == '.') {
            *p = at + 1;
            return i;
        }
    }
    return ABSW_NO_SIDE;
}

/* [1-9][0-9]* that fits. */
static int parse_login(const char *p, const char *end, absw_sec_t *login)
{
    apr_uint64_t value = 0;

    if (p == end || *p == '0' || end - p > LOGIN_DIGITS) {
        return 0;
    }
    for (; p < end; p++) {
        unsigned int digit = (unsigned char)*p - (unsigned int)'0';

        if (digit > 9) {
            return 0;
        }
        value = value * 10 + digit;
    }
    *login = (absw_sec_t)value;
    return value <= APR_INT64_MAX;
}

/* What stands before the name of the side and behind the login has a fixed length, so only what
 * is between them is searched. */
int absw_token_parse(const absw_policy_t *policy, absw_sec_t now, const char *text,
                     apr_size_t len, absw_token_t *token)
{
    const char *p = text + HEAD_LEN;
    const char *id, *tag;

    if (len < HEAD_LEN + TAIL_LEN || len > ABSW_TOKEN_MAX) {
        return 0;
    }
    tag = text + len - B64_LEN;
    id = tag - 1 - B64_LEN;
    if (text[0] != '1' || text[1] != '.' || !is_alnum(text[2]) || text[3] != '.'
        || id[-1] != '.' || tag[-1] != '.') {
        return 0;
    }
    token->kid = text[2];
    token->side = parse_side(policy, &p, id - 1);
    if (token->side == ABSW_NO_SIDE || id - 1 - p < FLAGS_LEN || (p[0] != '-' && p[0] != 't')
        || p[1] != '.') {
        return 0;
    }
    token->tester = p[0] == 't';
    return parse_login(p + FLAGS_LEN, id - 1, &token->login)
           && token->login - ABSW_TOKEN_AHEAD <= now
           && b64_decode(id, token->id)
           && b64_decode(tag, token->tag);
}

/* Decimal; it is not negative. */
static char *put_number(char *out, absw_sec_t number)
{
    char digits[LOGIN_DIGITS];
    int n = 0;

    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    while (n) {
        *out++ = digits[--n];
    }
    return out;
}

/* All before the last dot; its length. No NUL is written. */
static apr_size_t format_body(const absw_policy_t *policy, const absw_token_t *token, char *buf)
{
    const char *side = policy->sides[token->side].name;
    apr_size_t side_len = strlen(side);
    char *out = buf + HEAD_LEN;

    memcpy(buf, "1.k.", HEAD_LEN);
    buf[2] = token->kid;
    memcpy(out, side, side_len);
    out += side_len;
    memcpy(out, token->tester ? ".t." : ".-.", 1 + FLAGS_LEN);
    out = put_number(out + 1 + FLAGS_LEN, token->login);
    *out++ = '.';
    b64_encode(token->id, out);
    return (apr_size_t)(out + B64_LEN - buf);
}

static int compute_tag(const absw_policy_t *policy, const absw_key_t *key,
                       const absw_token_t *token, unsigned char *tag)
{
    char data[sizeof(VERSION) + ABSW_APP_NAME_MAX + 1 + ABSW_TOKEN_MAX + 1];
    apr_size_t name_len = strlen(policy->name);
    apr_size_t len = sizeof(VERSION);           /* with its NUL */

    if (name_len > ABSW_APP_NAME_MAX) {
        return 0;
    }
    memcpy(data, VERSION, len);
    memcpy(data + len, policy->name, name_len + 1);
    len += name_len + 1;
    len += format_body(policy, token, data + len);
    return absw_mac_compute(key->mac, data, len, tag);
}

int absw_token_verify(const absw_policy_t *policy, const absw_keys_t *keys,
                      const absw_token_t *token)
{
    const absw_key_t *key = find_key(keys, token->kid);
    unsigned char tag[ABSW_MAC_LEN];

    return key && compute_tag(policy, key, token, tag)
           && CRYPTO_memcmp(tag, token->tag, ABSW_TOKEN_TAG_LEN) == 0;
}

int absw_token_sign(const absw_policy_t *policy, const absw_keys_t *keys, absw_token_t *token)
{
    unsigned char tag[ABSW_MAC_LEN];

    token->kid = keys->keys[0].kid;
    if (!compute_tag(policy, &keys->keys[0], token, tag)) {
        return 0;
    }
    memcpy(token->tag, tag, ABSW_TOKEN_TAG_LEN);
    return 1;
}

apr_status_t absw_token_make(const absw_policy_t *policy, const absw_keys_t *keys, int side,
                             int tester, absw_sec_t login, absw_token_t *token)
{
    apr_status_t rv = apr_generate_random_bytes(token->id, ABSW_TOKEN_ID_LEN);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    token->side = side;
    token->tester = tester;
    token->login = login;
    return absw_token_sign(policy, keys, token) ? APR_SUCCESS : APR_EGENERAL;
}

apr_size_t absw_token_format(const absw_policy_t *policy, const absw_token_t *token, char *buf)
{
    apr_size_t len = format_body(policy, token, buf);

    buf[len++] = '.';
    b64_encode(token->tag, buf + len);
    len += B64_LEN;
    buf[len] = '\0';
    return len;
}
