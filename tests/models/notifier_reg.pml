/* SPDX-License-Identifier: MIT */
/*
 * Registration and unregistration of a notifier against open sections, and
 * the release of a dying mm.
 *
 * Code: mm/mmu_notifier.c: publish enter_all_locks mmu_notifier_register
 * Code: mm/mmu_notifier.c: mmu_notifier_unregister mmu_notifier_release
 * Code: mm/mmu_notifier_call.c: start_all __mmu_notifier_invalidate_range_end
 * Code: mm/take_all_locks.c: mm_take_all_locks mm_drop_all_locks
 * Steps: (1)-(4) of a section against (A)-(C) of register, (1)-(3) of a
 * callback against (A)-(C) of unregister, as in mm/mmu_notifier.c.
 *
 * Bounds: one mm with two pages; a section for the first under mmap_lock
 * (write), one for the other under an rmap lock (read); a device that registers,
 * maps pages and unregisters, twice, each time with its own notifier;
 * one exit of the mm, at any time.  SRCU is taken to be right (srcu_gp.pml),
 * and so is the device's fault (kvm_fault.pml): it is one step here.
 *
 * Claims: no page is freed that a device maps; every end has had its start;
 * no callback runs on a notifier that was unregistered; a device that
 * unregistered maps nothing.
 *
 * NO_ALL_LOCKS		register's (A) takes mmap_lock only
 * NO_SRCU_READ		callback's (1) and (3)
 * NO_SYNC		unregister's (C)
 * NO_RELEASE		unregister's (A)
 * NO_LATE_UNLINK	G7: exit empties the list first, then calls release
 */
#define PAGES	2
#define NOTIFIERS 2
#define NONE	3
#define MMAP	0
#define RMAP	1
#define EXITER	2			/* SRCU readers: sections 0, 1, exit 2 */

bool pte[PAGES];
bool page_free[PAGES];

bool wlock[2];
byte rlock[2];

byte linked = NONE;			/* the list: at most one notifier */
bool mn_live[2];
byte in_progress[2];
bool dead[2];
bool dev_maps[4];			/* notifier * PAGES + page */

bool in_srcu[3];
bool epoch[3];
byte users = 1;				/* mm_users */

#define mapped(k) (dev_maps[k] || dev_maps[PAGES + k])

inline down_write(l)
{
	atomic { !wlock[l] && rlock[l] == 0 -> wlock[l] = true }
}

inline down_read(l)
{
	atomic { !wlock[l] -> rlock[l]++ }
}

inline srcu_read_lock(me)
{
#ifndef NO_SRCU_READ
	in_srcu[me] = true
#else
	skip
#endif
}

inline srcu_read_unlock(me)
{
	d_step {
		m = NONE;
		in_srcu[me] = false;
		epoch[me] = !epoch[me]
	}
}

/* Waits for the sections that are open now; each reader has few of them. */
inline synchronize_srcu()
{
	atomic {
		i = 0;
		do
		:: i < 3 -> was[i] = in_srcu[i]; at[i] = epoch[i]; i++
		:: else -> break
		od
	};
	atomic {
		!(was[0] && in_srcu[0] && epoch[0] == at[0]) &&
		!(was[1] && in_srcu[1] && epoch[1] == at[1]) &&
		!(was[2] && in_srcu[2] && epoch[2] == at[2]) -> i = 0;
		was[0] = false; was[1] = false; was[2] = false;
		at[0] = false; at[1] = false; at[2] = false
	}
}

inline release(m)
{
	d_step {
		assert(mn_live[m]);
		dead[m] = true;
		dev_maps[m * PAGES] = false;
		dev_maps[m * PAGES + 1] = false
	}
}

inline call_start(k)
{
	srcu_read_lock(k);			/* callback (1) */
	m = linked;				/* callback (2) */
	if
	:: m != NONE ->
		d_step {
			assert(mn_live[m]);
			in_progress[m]++;
			dev_maps[m * PAGES + k] = false
		}
	:: else
	fi;
	srcu_read_unlock(k)			/* callback (3) */
}

inline call_end(k)
{
	srcu_read_lock(k);
	m = linked;
	if
	:: m != NONE ->
		d_step {
			assert(mn_live[m]);
			assert(in_progress[m] > 0);
			in_progress[m]--
		}
	:: else
	fi;
	srcu_read_unlock(k)
}

inline free_page(k)
{
	atomic {
		assert(!mapped(k));
		assert(!page_free[k]);
		page_free[k] = true
	}
}

proctype section(byte k)
{
	byte m;
	bool had;

	if						/* (1) */
	:: k == 0 -> down_write(MMAP)
	:: else -> down_read(RMAP)
	fi;
	call_start(k);					/* (2) */
	atomic {					/* (3) */
		had = pte[k];
		pte[k] = false
	};
	if
	:: had -> free_page(k); had = false
	:: skip				/* free it after the end */
	fi;
	call_end(k);					/* (4) */
	if
	:: had -> free_page(k)
	:: else
	fi;
	if
	:: k == 0 -> wlock[MMAP] = false
	:: else -> rlock[RMAP]--
	fi
}

inline mmu_notifier_register(mn)
{
	down_write(MMAP);				/* (A) */
#ifndef NO_ALL_LOCKS
	down_write(RMAP);
#endif
	assert(linked == NONE);
	mn_live[mn] = true;
	linked = mn;					/* (B) */
#ifndef NO_ALL_LOCKS
	wlock[RMAP] = false;				/* (C) */
#endif
	wlock[MMAP] = false
}

inline mmu_notifier_unregister(mn)
{
	if
	:: linked == mn ->
#ifndef NO_RELEASE
		release(mn);				/* (A) */
#endif
		d_step {				/* (B) */
			if
			:: linked == mn -> linked = NONE
			:: else
			fi
		}
	:: else
	fi;
#ifndef NO_SYNC
	synchronize_srcu();				/* (C) */
#endif
	d_step {
		assert(!dev_maps[mn * PAGES] && !dev_maps[mn * PAGES + 1]);
		mn_live[mn] = false
	}
}

/* One step of shadow_fault(): outside sections, what the table says. */
inline fault(mn, k)
{
	d_step {
		if
		:: !dead[mn] && in_progress[mn] == 0 && pte[k] ->
			dev_maps[mn * PAGES + k] = true
		:: else
		fi
	}
}

proctype device()
{
	byte i, mn;
	bool was[3], at[3];

	do
	:: mn < NOTIFIERS ->
		atomic {		/* mmget_not_zero */
			if
			:: users == 0 -> break
			:: else -> users++
			fi
		};
		mmu_notifier_register(mn);
		users--;
		fault(mn, 0);
		fault(mn, 1);
		mmu_notifier_unregister(mn);
		mn++
	:: else -> break
	od
}

/* mmu_notifier_release(), then the pages go. */
proctype exit_mmap()
{
	byte i, m, k;
	bool was[3], at[3], had;

	users--;
	users == 0;
	srcu_read_lock(EXITER);
	m = linked;
#ifdef NO_LATE_UNLINK
	linked = NONE;
#endif
	if
	:: m != NONE -> release(m)
	:: else
	fi;
	linked = NONE;
	srcu_read_unlock(EXITER);
	synchronize_srcu();
	do
	:: k < PAGES ->
		atomic {
			had = pte[k];
			pte[k] = false;
			if
			:: had -> free_page(k)
			:: else
			fi;
			k++
		}
	:: else -> break
	od
}

init {
	atomic {
		pte[0] = true;
		pte[1] = true;
		run section(0); run section(1);
		run device();
		run exit_mmap()
	};
	_nr_pr == 1;
	assert(page_free[0] && page_free[1])
}
