/* SPDX-License-Identifier: MIT */
/*
 * /dev/shadow-kvm, shadow-gru, shadow-sva, shadow-xpmem: devices for programs.
 *
 * N1  An open file is a device at most, from ATTACH or IMPORT until its last
 *     close.  Its address space may go before: then RUN fails.  A program that
 *     shares the file after fork, or has another address space after exec, may
 *     not run it (EIO), as with KVM.
 * N2  A program's memory is never trusted twice: requests are copied in, run,
 *     and copied out.
 * N3  The counters live in a page of their own that mmap shows for reading;
 *     a reference keeps it where it is.
 * N4  A segment is a name for a range of an exporter.  When the exporter's
 *     file is closed the name goes, and every window on it dies.
 *
 * Locks: segment_mutex (LOCK_SHADOW_FILE) for names, and over IMPORT, so that
 * no window is made of a name that is just going.
 * Tests: user/shadow.c by tests/drive/shadow.py, user/sysfuzz.c
 */
#include "arch/uaccess.h"
#include "drivers/shadow/internal.h"
#include "drivers/shadow/uapi.h"
#include "kernel/dev.h"
#include "kernel/init.h"
#include "kernel/thread.h"
#include "lib/err.h"
#include "mm/filemap.h"
#include "mm/shmem.h"
#include "mm/slab.h"
#include "mm/vma.h"

struct segment {
	struct list_head link;		/* segment_mutex */
	u32 id;
	struct mm_struct *mm;		/* mm_count */
	vaddr_t start;
	u64 len;
};

struct node {
	struct chardev dev;
	const struct shadow_class *class;
};

/* An open file. */
struct shadow_file {
	const struct shadow_class *class;
	u32 taken;			/* a: being attached, or is */
	struct shadow_dev *d;		/* set once, release */
	struct mm_struct *user;		/* who may run it; mm_count */
	struct segment *segment;	/* exported by it */
	struct address_space *stats;	/* N3; xpmem has a window instead */
	struct page *stats_page;
};

static_assert(sizeof(struct shadow_ioc_stats) ==
	      SHADOW_NR_COUNTERS * sizeof(u64));

static DEFINE_MUTEX(segment_mutex, LOCK_SHADOW_FILE);
static LIST_HEAD(segments);
static u32 last_segment;

static int node_open(struct chardev *dev, void **priv)
{
	struct shadow_file *f = kzalloc(sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->class = container_of(dev, struct node, dev)->class;
	*priv = f;
	return 0;
}

/*
 * The page of counters.
 */
static void drop_stats(struct shadow_file *f)
{
	if (f->stats_page)
		put_page(f->stats_page);
	if (f->stats)
		f->stats->a_ops->put(f->stats);
	f->stats_page = NULL;
	f->stats = NULL;
}

static int make_stats(struct shadow_file *f)
{
	struct page *p;

	f->stats = shmem_create(PAGE_SIZE);
	if (!f->stats)
		return -ENOMEM;
	p = read_cache_page(f->stats, 0);
	if (IS_ERR(p)) {
		drop_stats(f);
		return PTR_ERR(p);
	}
	set_page_dirty(p);		/* it has no other copy */
	f->stats_page = p;
	return 0;
}

/*
 * Commands.
 */

/* N1.  The file is the caller's from now on, or -EBUSY. */
static int take(struct shadow_file *f)
{
	return xchg(&f->taken, 1) ? -EBUSY : 0;
}

static s64 give_up(struct shadow_file *f, s64 err)
{
	drop_stats(f);
	WRITE_ONCE(f->taken, 0);
	return err;
}

static s64 took(struct shadow_file *f, struct shadow_dev *d)
{
	f->user = current()->mm;
	mmgrab(f->user);
	smp_store_release(&f->d, d);	/* partner: device_of() */
	return 0;
}

static s64 do_attach(struct shadow_file *f)
{
	struct shadow_window w = { .len = 0 };
	struct shadow_dev *d;
	int err;

	if (f->class == &shadow_xpmem)
		return -ENOTTY;
	err = take(f);
	if (err)
		return err;
	err = make_stats(f);
	if (err)
		return give_up(f, err);
	w.count = page_address(f->stats_page);
	d = shadow_attach_window(current()->mm, f->class, &w);
	return IS_ERR(d) ? give_up(f, PTR_ERR(d)) : took(f, d);
}

/* The device, if the caller may use it; ERR_PTR. */
static struct shadow_dev *device_of(struct shadow_file *f)
{
	struct shadow_dev *d = smp_load_acquire(&f->d);

	if (!d)
		return ERR_PTR(-ENXIO);
	return f->user == current()->mm ? d : ERR_PTR(-EIO);
}

static s64 do_stats(struct shadow_file *f, vaddr_t arg)
{
	struct shadow_dev *d = device_of(f);
	struct shadow_ioc_stats s;

	if (IS_ERR(d))
		return PTR_ERR(d);
	for (u32 i = 0; i < SHADOW_NR_COUNTERS; i++)
		((u64 *)&s)[i] = (u64)atomic64_read(&d->count[i]);
	return put_user_val(arg, s);
}

/* N2.  A copy of the caller's requests, for kfree; ERR_PTR. */
static struct shadow_req *get_requests(const struct shadow_ioc_run *run)
{
	struct shadow_req *r = kzalloc(run->nr * sizeof(*r));
	struct shadow_ioc_op op;
	u64 bytes = 0;
	int err = r ? 0 : -ENOMEM;

	for (u32 i = 0; i < run->nr && !err; i++) {
		err = get_user_val(op, run->ops + i * sizeof(op));
		if (err)
			break;
		r[i] = (struct shadow_req){ (enum shadow_op)op.op, op.va,
					    op.len, op.val, op.old, 0 };
		if (op.op > SHADOW_SUM || op.len > SHADOW_RUN_BYTES - bytes)
			err = -EINVAL;
		bytes += op.len;
	}
	if (!err)
		return r;
	kfree(r);
	return ERR_PTR(err);
}

/* The done ones, and the one that failed. */
static s64 put_results(const struct shadow_ioc_run *run,
		       const struct shadow_req *r)
{
	u32 nr = min(run->done + 1, run->nr);

	for (u32 i = 0; i < nr; i++) {
		const struct shadow_ioc_op op = {
			r[i].op, r[i].result, r[i].va, r[i].len, r[i].val,
			r[i].old,
		};

		if (put_user_val(run->ops + i * sizeof(op), op))
			return -EFAULT;
	}
	return 0;
}

static s64 do_run(struct shadow_file *f, vaddr_t arg)
{
	struct shadow_dev *d = device_of(f);
	struct shadow_ioc_run run;
	struct shadow_req *r;
	s64 err;

	if (IS_ERR(d))
		return PTR_ERR(d);
	if (get_user_val(run, arg))
		return -EFAULT;
	if (!run.nr || run.nr > SHADOW_RUN_OPS)
		return -EINVAL;
	r = get_requests(&run);
	if (IS_ERR(r))
		return PTR_ERR(r);
	run.done = shadow_run(d, r, run.nr);
	err = put_results(&run, r);
	kfree(r);
	return err ? err : put_user_val(arg, run);
}

/*
 * XPMEM: segments.
 */
static s64 do_export(struct shadow_file *f, vaddr_t arg)
{
	struct shadow_ioc_range rg;
	struct segment *s;

	if (f->class != &shadow_xpmem)
		return -ENOTTY;
	if (get_user_val(rg, arg))
		return -EFAULT;
	if (!rg.len || ((rg.start | rg.len) & ~PAGE_MASK) ||
	    rg.start >= USER_END || rg.len > USER_END - rg.start)
		return -EINVAL;
	s = kzalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->start = rg.start;
	s->len = rg.len;
	if (take(f)) {
		kfree(s);
		return -EBUSY;
	}
	s->mm = current()->mm;
	mmgrab(s->mm);
	mutex_lock(&segment_mutex);
	s->id = ++last_segment;
	list_add_tail(&s->link, &segments);
	f->segment = s;
	mutex_unlock(&segment_mutex);
	rg.id = s->id;
	rg.zero = 0;
	return put_user_val(arg, rg);
}

/* segment_mutex held: the window stays until the segment goes. */
static struct shadow_dev *import(u32 id)
{
	struct shadow_window w = { .importer = current()->mm, .segid = id };
	struct shadow_dev *d = ERR_PTR(-ENOENT);
	struct segment *s;

	list_for_each_entry(s, &segments, link) {
		if (s->id != id)
			continue;
		if (!mmget_not_zero(s->mm))
			return ERR_PTR(-ESRCH);
		w.start = s->start;
		w.len = s->len;
		d = shadow_attach_window(s->mm, &shadow_xpmem, &w);
		mmput(s->mm);
		break;
	}
	return d;
}

static s64 do_import(struct shadow_file *f, vaddr_t arg)
{
	struct shadow_dev *d;
	int err;
	u32 id;

	if (f->class != &shadow_xpmem)
		return -ENOTTY;
	if (get_user_val(id, arg))
		return -EFAULT;
	err = take(f);
	if (err)
		return err;
	mutex_lock(&segment_mutex);
	d = import(id);
	mutex_unlock(&segment_mutex);
	return IS_ERR(d) ? give_up(f, PTR_ERR(d)) : took(f, d);
}

/* N4 */
static void drop_segment(struct segment *s)
{
	mutex_lock(&segment_mutex);
	list_del(&s->link);
	xpmem_kill_segment(s->id);
	mutex_unlock(&segment_mutex);
	mmdrop(s->mm);
	kfree(s);
}

static s64 class_command(struct shadow_file *f, u32 cmd, u64 arg)
{
	struct shadow_dev *d;

	if (!f->class->command)
		return -ENOTTY;
	d = device_of(f);
	return IS_ERR(d) ? PTR_ERR(d) : f->class->command(d, cmd, arg);
}

static s64 node_ioctl(struct chardev *dev, void *priv, u32 cmd, u64 arg)
{
	struct shadow_file *f = priv;

	(void)dev;
	switch (cmd) {
	case SHADOW_ATTACH:
		return do_attach(f);
	case SHADOW_RUN:
		return do_run(f, arg);
	case SHADOW_STATS:
		return do_stats(f, arg);
	case SHADOW_EXPORT:
		return do_export(f, arg);
	case SHADOW_IMPORT:
		return do_import(f, arg);
	default:
		return class_command(f, cmd, arg);
	}
}

/* The device and its mapping stay as long as the file. */
static struct address_space *node_mapping(struct chardev *dev, void *priv,
					  u32 *writable)
{
	struct shadow_file *f = priv;
	struct shadow_dev *d = smp_load_acquire(&f->d);

	(void)dev;
	*writable = f->class == &shadow_xpmem;
	if (!d)
		return NULL;
	return *writable ? xpmem_mapping(d) : f->stats;
}

static void node_release(struct chardev *dev, void *priv)
{
	struct shadow_file *f = priv;

	(void)dev;
	if (f->segment)
		drop_segment(f->segment);
	if (f->d) {
		shadow_detach(f->d);
		mmdrop(f->user);
	}
	drop_stats(f);
	kfree(f);
}

#define NODE(class_) {							\
	.dev = {							\
		.open = node_open,					\
		.release = node_release,				\
		.ioctl = node_ioctl,					\
		.mapping = node_mapping,				\
	},								\
	.class = &(class_),						\
}

static struct node nodes[] = {
	NODE(shadow_kvm), NODE(shadow_gru), NODE(shadow_sva),
	NODE(shadow_xpmem),
};

static int node_init(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(nodes); i++) {
		nodes[i].dev.name = nodes[i].class->node;
		chardev_register(&nodes[i].dev);
	}
	return 0;
}
INITCALL(node_init);
