/* SPDX-License-Identifier: MIT */
/* lib/cpio.h: nothing outside the archive is read or handed out. */
#include "tests/host/fuzz/fuzz.h"
#include "lib/cpio.h"

static u32 sum;		/* keeps the reads */

static void check_entry(const struct cpio_iter *it,
			const struct cpio_entry *e)
{
	const u8 *name = (const u8 *)e->name, *data = e->data;
	size_t len = host_strlen(e->name);

	FUZZ_CHECK(name >= it->buf && len && len < CPIO_NAME_MAX);
	FUZZ_CHECK(data > name + len && data <= it->buf + it->len);
	FUZZ_CHECK(e->size <= (u64)(it->buf + it->len - data));
	for (u64 i = 0; i < e->size; i++)
		sum += data[i];
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size)
{
	u8 *exact = fuzz_copy(bytes, size);
	struct cpio_iter it;
	struct cpio_entry e;
	u64 off = 0;
	int rc;

	cpio_init(&it, exact, size);
	while ((rc = cpio_next(&it, &e)) == 1) {
		check_entry(&it, &e);
		FUZZ_CHECK(it.off > off && it.off <= size);
		off = it.off;
	}
	FUZZ_CHECK(rc == 0 || (rc < 0 && it.why));
	free(exact);
	return 0;
}

static size_t append(u8 *buf, size_t at, const char *name, const char *data)
{
	size_t name_len = host_strlen(name) + 1, len = host_strlen(data);
	char head[111];

	host_snprintf(head, sizeof(head), "070701%08X%08X%08X%08X%08X%08X"
		      "%08zX%08X%08X%08X%08X%08zX%08X", 1, 0100644, 0, 0, 1, 0,
		      len, 8, 1, 3, 4, name_len, 0);
	host_memcpy(buf + at, head, 110);
	host_memcpy(buf + at + 110, name, name_len);
	at = ALIGN(at + 110 + name_len, 4);
	host_memcpy(buf + at, data, len);
	return ALIGN(at + len, 4);
}

size_t fuzz_seed(u32 nr, u8 *buf)
{
	size_t at = 0;

	if (nr > 2)
		return 0;
	host_memset(buf, 0, FUZZ_MAX);
	if (nr)
		at = append(buf, at, "bin/sh", "#!/bin/busybox sh");
	if (nr > 1)
		at = append(buf, at, "abcd", "");
	return append(buf, at, "TRAILER!!!", "");
}
