/* SPDX-License-Identifier: MIT */
/* mm/alloc_slow.c, shrinker.c: who reclaims, and where not. */
#include "kernel/rcu.h"
#include "mm/tlb.h"
#include "mm/vmscan.h"
#include "tests/kt/kt_mm.h"
#include "tests/kt/kt_util.h"

struct places {
	struct mm_struct *mm;
	struct kt_file *f;
	bool plain, asked_not, spin, rcu, i_mmap, section, reclaimer, after;
};

static bool reclaims(u32 flags)
{
	return alloc_flags_here(flags) & ALLOC_RECLAIM;
}

static void look_around(struct places *p)
{
	static DEFINE_SPINLOCK(lock, LOCK_PTE);

	p->plain = reclaims(ALLOC_PLAIN);
	p->asked_not = reclaims(ALLOC_NORECLAIM);
	spin_lock(&lock);
	p->spin = reclaims(ALLOC_PLAIN);
	spin_unlock(&lock);
	rcu_read_lock();
	p->rcu = reclaims(ALLOC_PLAIN);
	rcu_read_unlock();
	down_read(&p->f->m.i_mmap_rwsem);
	p->i_mmap = reclaims(ALLOC_PLAIN);
	up_read(&p->f->m.i_mmap_rwsem);
	noreclaim_begin();
	p->section = reclaims(ALLOC_PLAIN);
	noreclaim_end();
	current()->memalloc++;
	p->reclaimer = reclaims(ALLOC_PLAIN);
	current()->memalloc--;
	p->after = reclaims(ALLOC_PLAIN);
}

static void program_main(void *arg)
{
	struct places *p = arg;

	activate_mm(p->mm);
	look_around(p);
	deactivate_mm();
}

/* D6. */
KTEST(alloc_slow, where_programs_reclaim)
{
	struct places p = { .mm = mm_alloc(), .f = kt_file_create(1, PAGE_SIZE) };
	struct kt_team team = { .nr = 0 };

	KT_ASSERT(t, p.mm && p.f && kt_spawn(t, &team, -1, program_main, &p));
	kt_join(&team);
	KT_EXPECT(t, p.plain && p.after);
	KT_EXPECT(t, !p.asked_not && !p.spin && !p.rcu && !p.i_mmap &&
		  !p.section && !p.reclaimer);
	KT_EXPECT(t, !reclaims(ALLOC_PLAIN));		/* a kernel thread */
	mmput(p.mm);
	kt_file_put(p.f);
}

struct forker {
	struct mm_struct *mm, *child;
	s64 moved;
	int err;
};

static void forker_main(void *arg)
{
	struct forker *f = arg;

	activate_mm(f->mm);
	f->err = dup_mmap(f->child, f->mm);
	f->moved = kt_mremap(f->mm, KT_BASE, PAGE_SIZE, PAGE_SIZE,
			     KT_BASE + (1UL << 30));
	deactivate_mm();
}

/* What a program's fork and mremap allocate inside their sections (D1, lab). */
KTEST(alloc_slow, sections_that_allocate)
{
	struct forker f = { .mm = mm_alloc(), .child = mm_alloc() };
	struct kt_team team = { .nr = 0 };

	KT_ASSERT(t, f.mm && f.child && kt_map(f.mm, 0, PAGE_SIZE, PROT_RW) > 0);
	KT_EQ(t, kt_poke(f.mm, KT_BASE, 5), 0);
	KT_ASSERT(t, kt_spawn(t, &team, -1, forker_main, &f));
	kt_join(&team);
	KT_EQ(t, f.err, 0);
	KT_EQ(t, kt_peek(f.child, KT_BASE), 5);
	KT_EXPECT(t, f.moved > 0);
	mmput(f.child);
	mmput(f.mm);
}

static u32 shrunk;

static void count_shrink(void)
{
	shrunk++;
}

static struct shrinker counter = { .name = "kt", .shrink = count_shrink };

/* V5: a round that finds too little asks the caches, once. */
KTEST(alloc_slow, shrinkers_are_asked)
{
	if (!counter.calls)
		register_shrinker(&counter);
	shrunk = 0;
	(void)try_to_free_pages(1UL << 40, RECLAIM_DIRECT);
	KT_EQ(t, shrunk, 1);
}
