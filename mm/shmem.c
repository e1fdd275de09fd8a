/* SPDX-License-Identifier: MIT */
/*
 * Anonymous shared memory: an address_space whose pages start as zeros and
 * live in the page cache, or in swap (shmem_swap.c).  A page that was ever
 * written is dirty and so never dropped; a clean one is all zeros and may be
 * made again.
 *
 * Lifetime: refs counts vmas and the creator; the last put drops all pages.
 * Tests: tests/kt/kt_mmap.c
 */
#include "mm/filemap.h"
#include "mm/shmem.h"
#include "mm/slab.h"

struct shmem {
	struct address_space mapping;
	atomic_t refs;
};

static struct shmem *shmem_of(struct address_space *m)
{
	return container_of(m, struct shmem, mapping);
}

static int shmem_read_folio(struct address_space *m, struct page *page)
{
	(void)m;
	clear_page(page_address(page));
	return 0;
}

static void shmem_get(struct address_space *m)
{
	atomic_inc(&shmem_of(m)->refs);
}

static void shmem_put(struct address_space *m)
{
	if (!atomic_dec_and_test(&shmem_of(m)->refs))
		return;
	address_space_destroy(m);
	kfree(shmem_of(m));
}

static const char *shmem_name(struct address_space *m)
{
	(void)m;
	return "[shared memory]";
}

static const struct address_space_operations shmem_ops = {
	.read_folio = shmem_read_folio,
	.get = shmem_get,
	.put = shmem_put,
	.name = shmem_name,
};

struct address_space *shmem_create(u64 bytes)
{
	struct shmem *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	atomic_set(&s->refs, 1);
	address_space_init(&s->mapping, &shmem_ops, s);
	mapping_set_kind(&s->mapping, AS_SWAP);
	s->mapping.size = bytes;
	return &s->mapping;
}
