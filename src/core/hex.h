/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_HEX_H
#define ABSW_HEX_H

/** The value of a hex digit of either case, or -1. */
static inline int absw_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return (c >= 'A' && c <= 'F') ? c - 'A' + 10 : -1;
}

/** The byte of two hex digits (the second is read only if the first is one), or -1. */
static inline int absw_hex_byte(const char *digits)
{
    int high = absw_hex_digit(digits[0]);
    int low = high < 0 ? -1 : absw_hex_digit(digits[1]);

    return low < 0 ? -1 : high << 4 | low;
}

#endif
