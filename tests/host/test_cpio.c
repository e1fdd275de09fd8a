/* SPDX-License-Identifier: MIT */
/*
 * lib/cpio: a good archive; the same cut at every byte, with every byte
 * changed, and with each field made hostile.  Archives under test lie in
 * buffers of their exact size, so that one byte too far is an ASan report.
 */
#include "tests/host/tap.h"
#include "lib/compiler.h"
#include "lib/cpio.h"
#include "lib/err.h"
#include "lib/prng.h"
#include "lib/string.h"

struct file {
	const char *name, *data;
	u32 mode;
};

static const struct file files[] = {
	{ "bin", "", 0040755 },
	{ "bin/sh", "#!", 0100755 },
	{ "a", "data of odd length....", 0100644 },
	{ "link", "bin/sh", 0120777 },
	{ "abcd", "1234", 0100600 },
};

#define NR_FILES	ARRAY_SIZE(files)

static u8 good[4096];
static size_t good_len;
static size_t entry_at[NR_FILES + 1];	/* offsets; the last: the trailer */

static void append(const char *name, const char *data, u32 mode, u32 ino)
{
	char head[112];

	host_snprintf(head, sizeof(head),
		      "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X"
		      "%08X", ino, mode, 10, 20, 1, 0x5f000000,
		      (u32)host_strlen(data), 8, 1, 3, 4,
		      (u32)host_strlen(name) + 1, 0);
	host_memcpy(good + good_len, head, 110);
	host_memcpy(good + good_len + 110, name, host_strlen(name) + 1);
	good_len = ALIGN(good_len + 110 + host_strlen(name) + 1, 4);
	host_memcpy(good + good_len, data, host_strlen(data));
	good_len = ALIGN(good_len + host_strlen(data), 4);
}

static void build(void)
{
	for (u32 i = 0; i < NR_FILES; i++) {
		entry_at[i] = good_len;
		append(files[i].name, files[i].data, files[i].mode, i + 1);
	}
	entry_at[NR_FILES] = good_len;
	append("TRAILER!!!", "", 0, 0);
}

/* Reads an exact copy of len bytes.  Returns the last cpio_next() result. */
static int read_all(const u8 *bytes, size_t len, u32 *entries,
		    struct cpio_iter *it)
{
	u8 *copy = malloc(len ? len : 1);
	struct cpio_entry e;
	volatile u8 sum = 0;
	int rc;

	host_memcpy(copy, bytes, len);
	cpio_init(it, copy, len);
	*entries = 0;
	while ((rc = cpio_next(it, &e)) == 1) {
		for (u64 i = 0; i < e.size; i++)
			sum += ((const u8 *)e.data)[i];
		sum += (u8)host_strlen(e.name);
		++*entries;
	}
	CHECK(rc == 0 || (rc == -EINVAL && it->why && it->off <= len));
	CHECK(cpio_next(it, &e) == rc);		/* and stays so */
	free(copy);
	return rc;
}

static void test_good(void)
{
	struct cpio_iter it;
	struct cpio_entry e;

	cpio_init(&it, good, good_len);
	for (u32 i = 0; i < NR_FILES; i++) {
		CHECK(it.off == entry_at[i]);
		CHECK(cpio_next(&it, &e) == 1);
		CHECK(!strcmp(e.name, files[i].name));
		CHECK(e.size == strlen(files[i].data));
		CHECK(!memcmp(e.data, files[i].data, e.size));
		CHECK(e.mode == files[i].mode && e.ino == i + 1);
		CHECK(e.uid == 10 && e.gid == 20 && e.nlink == 1);
		CHECK(e.mtime == 0x5f000000);
		CHECK(e.rdev_major == 3 && e.rdev_minor == 4);
	}
	CHECK(cpio_next(&it, &e) == 0 && it.why == NULL);
}

static void test_cut_anywhere(void)
{
	size_t need = entry_at[NR_FILES] + 110 + sizeof("TRAILER!!!");
	struct cpio_iter it;
	u32 n;

	for (size_t len = 0; len <= good_len; len++) {
		int rc = read_all(good, len, &n, &it);
		u32 whole = 0;

		/* an entry counts once its data is there, padding or not */
		while (whole < NR_FILES && entry_at[whole + 1] <= len)
			whole++;
		CHECKF(rc == (len < need ? -EINVAL : 0), "%zu bytes: %d", len,
		       rc);
		CHECKF(n == whole || n == whole + 1, "%zu bytes: %u", len, n);
	}
	read_all(good, 0, &n, &it);
	CHECK(!strcmp(it.why, "the archive ends without a trailer"));
	read_all(good, 100, &n, &it);
	CHECK(!strcmp(it.why, "an entry's header is cut off"));
	read_all(good, 112, &n, &it);
	CHECK(!strcmp(it.why, "an entry's name is cut off"));
	read_all(good, entry_at[3] - 4, &n, &it);
	CHECK(!strcmp(it.why, "an entry's data is cut off"));
	CHECK(n == 2 && it.off == entry_at[2]);
}

/* Writes text at a header field of entry 1; expects that reason. */
static void hostile(size_t at, const char *text, const char *why)
{
	u8 copy[sizeof(good)];
	struct cpio_iter it;
	u32 n;
	int rc;

	host_memcpy(copy, good, good_len);
	host_memcpy(copy + entry_at[1] + at, text, host_strlen(text));
	rc = read_all(copy, good_len, &n, &it);
	CHECKF(rc == -EINVAL, "at %zu \"%s\": %d", at, text, rc);
	CHECKF(it.why && !strcmp(it.why, why), "at %zu \"%s\": %s", at, text,
	       it.why);
	CHECK(n == 1 && it.off == entry_at[1]);
}

static void test_hostile_fields(void)
{
	const size_t filesize = 6 + 6 * 8, namesize = 6 + 11 * 8;

	hostile(0, "070707", "not a newc header (magic is not 070701)");
	hostile(6, "0000000g", "a header field is not hexadecimal");
	hostile(6, "-0000001", "a header field is not hexadecimal");
	hostile(6, "0x000001", "a header field is not hexadecimal");
	hostile(filesize, "FFFFFFFF", "an entry's data is cut off");
	hostile(filesize, "00001000", "an entry's data is cut off");
	hostile(namesize, "FFFFFFFF", "an entry's name is too long");
	hostile(namesize, "00000FFF", "an entry's name is cut off");
	hostile(namesize, "00000000", "an entry has no name");
	hostile(namesize, "00000001", "an entry has no name");
	hostile(namesize, "00000003", "an entry's name is not terminated");
	hostile(namesize, "00000008", "an entry's name has a NUL inside");
}

static void test_every_byte_changed(void)
{
	u8 copy[sizeof(good)];
	struct cpio_iter it;
	u32 n;

	for (size_t at = 0; at < good_len; at++)
		for (int v = 0; v < 256; v += v < 128 ? 1 : 17) {
			host_memcpy(copy, good, good_len);
			copy[at] = (u8)v;
			read_all(copy, good_len, &n, &it);
		}
}

static void test_random_changes(void)
{
	u8 copy[sizeof(good)];
	struct cpio_iter it;
	struct prng rnd;
	u32 n;

	prng_seed(&rnd, 9);
	for (int i = 0; i < 20000; i++) {
		host_memcpy(copy, good, good_len);
		for (u64 k = prng_below(&rnd, 6); k--;)
			copy[prng_below(&rnd, good_len)] =
				(u8)"0123456789abcdefF\0Tx"[prng_below(&rnd, 20)];
		read_all(copy, prng_below(&rnd, good_len + 1), &n, &it);
	}
}

int main(void)
{
	build();
	RUN(test_good);
	RUN(test_cut_anywhere);
	RUN(test_hostile_fields);
	RUN(test_every_byte_changed);
	RUN(test_random_changes);
	return tap_done();
}
