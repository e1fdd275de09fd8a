/* SPDX-License-Identifier: MIT */
/*
 * Registration that takes no lock, against sections that no lock holds back.
 *
 * Code: mm/mmu_notifier.c: publish enter_drain mmu_notifier_unregister
 * Code: mm/mmu_notifier_call.c: enter leave start_all
 * Code: mm/mmu_notifier_call.c: __mmu_notifier_invalidate_range_end
 * Steps: (1)-(5) of a section, (A)-(C) of register, as in mm/mmu_notifier.c.
 *
 * Bounds: one mm with two pages, one section for each, which run at any time;
 * a device that registers, maps pages and unregisters, twice, each time with
 * its own notifier. SRCU is taken to be right (srcu_gp.pml), and so is the
 * device's fault (kvm_fault.pml): it is one step here.
 *
 * Claims: no page is freed that a device maps; every end has had its start;
 * every start has its end, or the subscriber left; no callback runs on a
 * notifier that was unregistered.
 *
 * NO_DRAIN	register's (C)
 * NO_COUNT	section's (1)
 * NO_COUNT_FIRST	section's (2) before (1)
 * NO_LINK_FIRST	register's (B) before (A)
 * NO_GEN	the end tells whoever is on the list
 * NO_SYNC	unregister does not wait
 */
#define PAGES	2
#define NOTIFIERS 2
#define NONE	3

bool pte[PAGES];
bool page_free[PAGES];

byte gen;
byte since[2];
byte linked = NONE;			/* the list: at most one notifier */
bool live[2];
byte in_progress[2];
bool dev_maps[4];			/* notifier * PAGES + page */

bool in_srcu[2];
bool epoch[2];

#define mapped(k) (dev_maps[k] || dev_maps[PAGES + k])
#ifdef NO_GEN
#define told_at_end(m, g) true
#else
#define told_at_end(m, g) (since[m] <= g)
#endif

/* Waits for the sections that are open now. */
inline synchronize_srcu()
{
	d_step {
		was0 = in_srcu[0]; at0 = epoch[0];
		was1 = in_srcu[1]; at1 = epoch[1]
	};
	atomic {
		!(was0 && in_srcu[0] && epoch[0] == at0) &&
		!(was1 && in_srcu[1] && epoch[1] == at1) ->
		was0 = false; was1 = false; at0 = false; at1 = false
	}
}

inline free_page(k)
{
	d_step {
		assert(!mapped(k));
		page_free[k] = true
	}
}

inline count(k)
{
#ifndef NO_COUNT
	in_srcu[k] = true
#else
	skip
#endif
}

proctype section(byte k)
{
	byte m, g;
	bool had;

#ifdef NO_COUNT_FIRST
	g = gen;
	count(k);
#else
	count(k);					/* (1) */
	g = gen;					/* (2) */
#endif
	m = linked;					/* (3) */
	if
	:: m != NONE && since[m] <= g ->
		d_step {
			assert(live[m]);
			in_progress[m]++;
			dev_maps[m * PAGES + k] = false
		}
	:: else
	fi;
	d_step {					/* (4) */
		had = pte[k];
		pte[k] = false
	};
	if
	:: had -> free_page(k); had = false
	:: skip				/* free it after the end */
	fi;
	m = linked;					/* (5) */
	if
	:: m != NONE && told_at_end(m, g) ->
		d_step {
			assert(live[m]);
			assert(in_progress[m] > 0);
			in_progress[m]--
		}
	:: else
	fi;
	d_step {
		m = NONE;
		in_srcu[k] = false;
		epoch[k] = !epoch[k]
	};
	if
	:: had -> free_page(k)
	:: else
	fi
}

inline link(mn)
{
	d_step {					/* (A) */
		live[mn] = true;
		linked = mn
	}
}

inline mmu_notifier_register(mn)
{
	since[mn] = gen + 1;
#ifdef NO_LINK_FIRST
	gen = since[mn];
	link(mn);
#else
	link(mn);
	gen = since[mn];				/* (B) */
#endif
#ifndef NO_DRAIN
	synchronize_srcu()				/* (C) */
#endif
}

inline mmu_notifier_unregister(mn)
{
	d_step {
		dev_maps[mn * PAGES] = false;
		dev_maps[mn * PAGES + 1] = false;
		linked = NONE
	};
#ifndef NO_SYNC
	synchronize_srcu();
#endif
	live[mn] = false
}

/* One step of a device's fault: outside sections, what the table says. */
inline fault(mn, k)
{
	d_step {
		if
		:: in_progress[mn] == 0 && pte[k] ->
			dev_maps[mn * PAGES + k] = true
		:: else
		fi
	}
}

proctype device()
{
	byte mn;
	bool was0, was1, at0, at1;

	do
	:: mn < NOTIFIERS ->
		mmu_notifier_register(mn);
		fault(mn, 0);
		fault(mn, 1);
		mmu_notifier_unregister(mn);
		mn++
	:: else -> break
	od
}

init {
	atomic {
		pte[0] = true;
		pte[1] = true;
		run section(0); run section(1);
		run device()
	};
	_nr_pr == 1;
	assert(page_free[0] && page_free[1])
}
