/* SPDX-License-Identifier: MIT */
/*
 * Boot information, the part common to both protocols: strings, modules, and
 * the order of things. bootinfo.h has the invariants.
 *
 * Order: the protocol's parser first collects everything as told (the memory
 * map may come after the modules); then the map is put in order (B1 to B3),
 * and the modules are checked against it (B4).
 */
#include "boot/bi.h"
#include "boot/multiboot.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"

#include <stdarg.h>

int bootinfo_fail(struct bootinfo *bi, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(bi->errbuf, sizeof(bi->errbuf), fmt, ap);
	va_end(ap);
	bi->error = bi->errbuf;
	return -EINVAL;
}

int bi_read(struct bi_parse *p, u64 phys, void *dst, size_t len,
	    const char *what)
{
	if (phys + len < phys || p->rd->read(p->rd, phys, dst, len))
		return bootinfo_fail(p->bi, "%s at 0x%llx cannot be read",
				     what, (unsigned long long)phys);
	return 0;
}

int bi_read_string(struct bi_parse *p, struct bi_range from, char *dst,
		   size_t size, const char *what)
{
	size_t n = 0;
	u64 at;
	char c;
	int err;

	dst[0] = 0;
	for (at = from.start; at < from.end; at++) {
		err = bi_read(p, at, &c, 1, what);
		if (err || !c)
			return err;
		if (n + 1 == size)
			return 1;
		dst[n++] = c;
		dst[n] = 0;
	}
	return bootinfo_fail(p->bi, "%s has no end", what);
}

void bi_add_busy(struct bi_parse *p, u64 start, u64 len)
{
	if (p->nr_busy < BI_BUSY_RANGES)
		p->busy[p->nr_busy++] = (struct bi_range){ start, start + len };
}

int bi_add_module(struct bi_parse *p, struct bi_range data,
		  struct bi_range name)
{
	struct bootinfo *bi = p->bi;
	struct boot_module *m;
	char *space;
	int err;

	if (data.end < data.start)
		return bootinfo_fail(bi, "a module ends at 0x%llx, before its start 0x%llx",
				     (unsigned long long)data.end,
				     (unsigned long long)data.start);
	if (data.end == data.start || bi->nr_modules == BOOTINFO_MODULES) {
		bi->modules_dropped++;
		return 0;
	}
	m = &bi->modules[bi->nr_modules];
	m->start = data.start;
	m->end = data.end;
	if (name.start != name.end) {
		err = bi_read_string(p, name, m->name, sizeof(m->name),
				     "the name of a module");
		if (err < 0)
			return err;
		space = strchr(m->name, ' ');
		if (space)
			*space = 0;
	}
	bi->nr_modules++;
	return 0;
}

/* B4, for module number i. */
static int check_module(struct bi_parse *p, int i)
{
	struct bootinfo *bi = p->bi;
	struct bi_range m = { bi->modules[i].start, bi->modules[i].end };
	struct bi_range image = { p->rd->image_start, p->rd->image_end };
	int k;

	if (!bi_is_usable(bi, m))
		return bootinfo_fail(bi, "module %d (0x%llx-0x%llx) is not in usable memory",
				     i, (unsigned long long)m.start,
				     (unsigned long long)m.end);
	if (bi_overlap(m, image))
		return bootinfo_fail(bi, "module %d overlaps the kernel", i);
	for (k = 0; k < p->nr_busy; k++)
		if (bi_overlap(m, p->busy[k]))
			return bootinfo_fail(bi, "module %d overlaps the boot information", i);
	for (k = 0; k < i; k++) {
		struct bi_range o = { bi->modules[k].start,
				      bi->modules[k].end };

		if (bi_overlap(m, o))
			return bootinfo_fail(bi, "modules %d and %d overlap",
					     k, i);
	}
	return 0;
}

/* QEMU's -kernel puts the name of the file in front. */
static void cmdline_drop_file(char *line)
{
	char *rest = strchr(line, ' ');

	if (!rest) {
		line[0] = 0;
		return;
	}
	memmove(line, rest + 1, strlen(rest + 1) + 1);
}

/*
 * One word as GRUB writes it, from *in: what is quoted by \ is plain, and
 * the whole word stands in quotes when it has a space. The plain word goes
 * to out. Returns its length, and where '=' of NAME=VALUE WITH SPACES is, or
 * -1: there GRUB has eaten the user's quotes.
 */
static size_t grub_word(const char **in, char *out, int *eq)
{
	const char *s = *in;
	bool quoted = *s == '"', space = false, inner = false;
	size_t n = 0;

	*eq = -1;
	if (quoted)
		s++;
	for (; *s && *s != (quoted ? '"' : ' '); s++) {
		if (*s == '\\' && s[1]) {
			s++;
			inner |= *s == '"';
		}
		space |= *s == ' ';
		if (*s == '=' && *eq < 0)
			*eq = (int)n;
		out[n++] = *s;
	}
	if (!quoted || !*s || !space || inner)
		*eq = -1;
	if (quoted && *s)
		s++;
	*in = s;
	return n;
}

/*
 * GRUB parses quotes as a shell does and then writes the words so that they
 * could be parsed once more: run="a; b" arrives as "run=a; b", and 'run="a;
 * b"' as "run=\"a; b\"". Both become run="a; b" again. Never longer.
 */
static void cmdline_ungrub(char *line)
{
	const char *in = line;
	char *out = line;
	size_t n;
	int eq;

	while (*in) {
		if (*in == ' ') {
			*out++ = *in++;
			continue;
		}
		n = grub_word(&in, out, &eq);
		if (eq >= 0) {
			memmove(out + eq + 2, out + eq + 1, n - eq - 1);
			out[eq + 1] = '"';
			out[n + 1] = '"';
			n += 2;
		}
		out += n;
	}
	*out = 0;
}

int bootinfo_parse(struct bootinfo *bi, const struct bi_reader *rd,
		   u32 magic, u64 info)
{
	static struct bi_parse parse;
	struct bi_parse *p = &parse;
	int err, i;

	memset(bi, 0, sizeof(*bi));
	memset(p, 0, sizeof(*p));
	p->bi = bi;
	p->rd = rd;

	if (magic == MB1_LOADER_MAGIC)
		err = mb1_parse(p, info);
	else if (magic == MB2_LOADER_MAGIC)
		err = mb2_parse(p, info);
	else
		err = bootinfo_fail(bi, "0x%x is the magic number of no protocol we know",
				    magic);
	if (err)
		return err;

	if (bi->protocol == BOOT_MULTIBOOT1 && !strcmp(bi->loader, "qemu"))
		cmdline_drop_file(bi->cmdline);
	if (!strncmp(bi->loader, "GRUB", 4))
		cmdline_ungrub(bi->cmdline);
	if (!bi->have_rsdp)
		bi_scan_rsdp(p);

	err = bi_finish_mem(p);
	for (i = 0; !err && i < bi->nr_modules; i++)
		err = check_module(p, i);
	return err;
}
