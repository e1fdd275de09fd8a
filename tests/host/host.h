/* SPDX-License-Identifier: MIT */
/*
 * Included in front of every file that is built for the host (gcc -include).
 * First the C library's headers, then our names for what both have: inside
 * project code and tests `memcpy` is ours, `host_memcpy` the library's.
 */
#ifndef TESTS_HOST_HOST_H
#define TESTS_HOST_HOST_H

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST_WRAP(name) \
	static __typeof__(name) *const host_##name \
	__attribute__((__unused__)) = name

HOST_WRAP(memcpy);
HOST_WRAP(memmove);
HOST_WRAP(memset);
HOST_WRAP(memcmp);
HOST_WRAP(memchr);
HOST_WRAP(strlen);
HOST_WRAP(strnlen);
HOST_WRAP(strcmp);
HOST_WRAP(strncmp);
HOST_WRAP(strchr);
HOST_WRAP(strrchr);
HOST_WRAP(strstr);
HOST_WRAP(vsnprintf);
HOST_WRAP(snprintf);

#define memcpy		rw_memcpy
#define memmove		rw_memmove
#define memset		rw_memset
#define memcmp		rw_memcmp
#define memchr		rw_memchr
#define strlen		rw_strlen
#define strnlen		rw_strnlen
#define strcmp		rw_strcmp
#define strncmp		rw_strncmp
#define strchr		rw_strchr
#define strrchr		rw_strrchr
#define strstr		rw_strstr
#define strlcpy		rw_strlcpy
#define strlcat		rw_strlcat
#define vsnprintf	rw_vsnprintf
#define snprintf	rw_snprintf
#define vscnprintf	rw_vscnprintf
#define scnprintf	rw_scnprintf

#include "lib/string.h"
#include "lib/printf.h"

#endif
