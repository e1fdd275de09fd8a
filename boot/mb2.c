/* SPDX-License-Identifier: MIT */
/*
 * Multiboot 2 information: one block of tags, each on 8 bytes, closed by an
 * end tag. A tag must fit in the block, and what it holds must fit in it.
 */
#include "boot/bi.h"
#include "boot/multiboot.h"
#include "lib/err.h"
#include "lib/string.h"

#define MB2_INFO_MAX	(1 << 20)

/* The rest of a tag behind its first `skip` bytes. */
static struct bi_range tag_rest(u64 at, const struct mb2_tag *tag, u32 skip)
{
	return (struct bi_range){ at + skip, at + tag->size };
}

static int parse_mmap(struct bi_parse *p, u64 at, const struct mb2_tag *tag)
{
	u64 end = at + tag->size;
	struct mb2_mmap_entry e;
	struct mb2_mmap head;
	int err;

	if (tag->size < sizeof(head))
		return bootinfo_fail(p->bi, "the memory map has %u bytes",
				     tag->size);
	err = bi_read(p, at, &head, sizeof(head), "the memory map");
	if (err)
		return err;
	if (head.entry_size < sizeof(e) || head.entry_size % 8)
		return bootinfo_fail(p->bi, "the memory map has entries of %u bytes",
				     head.entry_size);
	for (at += sizeof(head); at < end; at += head.entry_size) {
		if (end - at < head.entry_size)
			return bootinfo_fail(p->bi, "the memory map ends inside an entry");
		err = bi_read(p, at, &e, sizeof(e), "the memory map");
		if (!err)
			err = bi_add_mem(p, e.base, e.len, e.type);
		if (err)
			return err;
	}
	return 0;
}

static int parse_module(struct bi_parse *p, u64 at, const struct mb2_tag *tag)
{
	struct mb2_module m;
	int err;

	if (tag->size < sizeof(m))
		return bootinfo_fail(p->bi, "a module's tag has %u bytes",
				     tag->size);
	err = bi_read(p, at, &m, sizeof(m), "a module's tag");
	if (err)
		return err;
	return bi_add_module(p, (struct bi_range){ m.start, m.end },
			     tag_rest(at, tag, sizeof(m)));
}

/* A bad copy is as good as none: the kernel then says so and goes on. */
static int parse_rsdp(struct bi_parse *p, u64 at, const struct mb2_tag *tag)
{
	u8 bytes[sizeof(p->bi->rsdp_copy)];
	size_t len = tag->size - sizeof(*tag);
	int err;

	if (tag->type == MB2_TAG_RSDP_V1 && p->bi->have_rsdp)
		return 0;
	if (len > sizeof(bytes))
		len = sizeof(bytes);
	err = bi_read(p, at + sizeof(*tag), bytes, len, "the RSDP");
	if (!err)
		bi_take_rsdp(p->bi, bytes, len, 0);
	return err;
}

static int parse_tag(struct bi_parse *p, u64 at, const struct mb2_tag *tag)
{
	struct bi_range text = tag_rest(at, tag, sizeof(*tag));
	struct bootinfo *bi = p->bi;
	int err;

	switch (tag->type) {
	case MB2_TAG_CMDLINE:
		err = bi_read_string(p, text, bi->cmdline, sizeof(bi->cmdline),
				     "the command line");
		bi->cmdline_truncated = err > 0;
		return err < 0 ? err : 0;
	case MB2_TAG_LOADER:
		err = bi_read_string(p, text, bi->loader, sizeof(bi->loader),
				     "the boot loader's name");
		return err < 0 ? err : 0;
	case MB2_TAG_MODULE:
		return parse_module(p, at, tag);
	case MB2_TAG_MMAP:
		return parse_mmap(p, at, tag);
	case MB2_TAG_RSDP_V1:
	case MB2_TAG_RSDP_V2:
		return parse_rsdp(p, at, tag);
	default:
		return 0;
	}
}

int mb2_parse(struct bi_parse *p, u64 phys)
{
	struct mb2_info info;
	struct mb2_tag tag;
	u64 at, end;
	int err;

	p->bi->protocol = BOOT_MULTIBOOT2;
	if (phys % 8)
		return bootinfo_fail(p->bi, "the boot information at 0x%llx is not aligned",
				     (unsigned long long)phys);
	err = bi_read(p, phys, &info, sizeof(info), "the boot information");
	if (err)
		return err;
	if (info.total_size < sizeof(info) + sizeof(tag) ||
	    info.total_size > MB2_INFO_MAX)
		return bootinfo_fail(p->bi, "the boot information has %u bytes",
				     info.total_size);
	bi_add_busy(p, phys, info.total_size);

	end = phys + info.total_size;
	for (at = phys + sizeof(info); at + sizeof(tag) <= end;
	     at += (tag.size + 7UL) & ~7UL) {
		err = bi_read(p, at, &tag, sizeof(tag), "a tag");
		if (err)
			return err;
		if (tag.size < sizeof(tag) || tag.size > end - at)
			return bootinfo_fail(p->bi, "tag %u has %u bytes, %llu are left",
					     tag.type, tag.size,
					     (unsigned long long)(end - at));
		if (tag.type == MB2_TAG_END)
			return 0;
		err = parse_tag(p, at, &tag);
		if (err)
			return err;
	}
	return bootinfo_fail(p->bi, "the boot information has no end tag");
}
