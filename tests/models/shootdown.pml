/* SPDX-License-Identifier: MIT */
/*
 * A CPU that takes up and leaves an mm, against flushes of it.
 *
 * Code: mm/tlb.c: switch_to_mm load_root flush_here flush_full flush_pages
 * Code: mm/tlb.c: leave_lazy remote_mask flush_tlb_mm_range
 * Code: kernel/ipi.c: smp_call_mask
 * Steps: (1)(2) of switch_mm, (A)(B) of flush, as in mm/tlb.h; F1, F3, T1.
 *
 * Bounds: one CPU takes up the mm, perhaps goes lazy and comes back, and
 * leaves it, twice; its MMU may walk at any time, interrupts off or on; three
 * CPUs, which never load it, flush once each: two have cleared a leaf, one has
 * changed the root.  Stores that a step's barrier should push out sit in a
 * store buffer until the barrier or any time before: the CPU's own bit in the
 * mask, and what (A) wrote.  (On x86 the bit is set by a locked operation,
 * which alone would do.)
 *
 * Claims: when a flush has returned, the CPU never again uses the leaf or the
 * root that it was for.
 *
 * NO_SWITCH_MB		the barrier between (1) and (2)
 * NO_FLUSH_MB		the barrier between (A) and (B)
 * NO_BIT_FIRST		(1) comes after (2)
 * NO_BIT_KEPT		T1: the bit is cleared before the other root is loaded
 * NO_GEN_FIRST		load_root reads the generation after loading CR3
 * NO_GEN_GAP		F1: flushes just the range, however far behind
 * NO_LAZY		(B) leaves lazy CPUs out
 * NO_ROOT_RELOAD	a flush loads the old root again
 */
#define ROOT	2			/* flushers 0 and 1: leaves */
#define INIT	3			/* init_mm's root; the mm's: 0, then 1 */

bool pte[2];				/* the two leaves */
byte pgd;				/* mm->pgt.pgd */
byte tlb_gen;
bool mask;				/* our CPU's bit in mm->cpumask */

bool pending[3];			/* store buffers: what (A) wrote */
bool pending_bit;			/* ... and what (1) wrote */

byte cr3 = INIT;
bool tlb[2];
bool loaded_mm, lazy;
byte loaded_gen;

bool ipi[3];
byte gen[3];				/* struct flush */
bool gone[3];				/* ghost: freed after the flush */

#define mb(buffer) !buffer

proctype store_buffers()
{
end:	do
	:: atomic { pending[0] -> pte[0] = false; pending[0] = false }
	:: atomic { pending[1] -> pte[1] = false; pending[1] = false }
	:: atomic { pending[ROOT] -> pgd = 1; pending[ROOT] = false }
	:: atomic { pending_bit -> mask = true; pending_bit = false }
	od
}

/* Speculation: any leaf, any time. */
proctype mmu()
{
end:	do
	:: atomic {
		cr3 != INIT && pte[0] && !tlb[0] ->
		assert(cr3 != 0 || !gone[ROOT]);
		assert(!gone[0]);
		tlb[0] = true
	   }
	:: atomic {
		cr3 != INIT && pte[1] && !tlb[1] ->
		assert(cr3 != 0 || !gone[ROOT]);
		assert(!gone[1]);
		tlb[1] = true
	   }
	od
}

inline write_cr3(r)
{
	d_step {
		cr3 = r;
		tlb[0] = false;
		tlb[1] = false;
		assert(cr3 != 0 || !gone[ROOT])
	}
}

inline load_root()
{
#ifndef NO_GEN_FIRST
	g = tlb_gen;
#endif
	root = pgd;					/* (2) */
	loaded_mm = false;				/* F2 */
	write_cr3(root);
#ifdef NO_GEN_FIRST
	g = tlb_gen;
#endif
	loaded_gen = g;
	d_step { loaded_mm = true; g = 0; root = 0 }
}

inline set_bit()
{
	pending_bit = true				/* (1) */
}

inline clear_bit()
{
	atomic {			/* a locked operation */
		!pending_bit;
		mask = false
	}
}

inline switch_to_mm()
{
	lazy = false;
	if
	:: loaded_mm -> skip				/* old == mm */
	:: else ->
#ifndef NO_BIT_FIRST
		set_bit();
#endif
#ifndef NO_SWITCH_MB
		mb(pending_bit);
#endif
		load_root();
#ifdef NO_BIT_FIRST
		set_bit();
		mb(pending_bit);
#endif
	fi
}

inline switch_to_init()
{
	lazy = false;
#ifdef NO_BIT_KEPT
	clear_bit();
#endif
	loaded_mm = false;
	write_cr3(INIT);
#ifndef NO_BIT_KEPT
	clear_bit();					/* T1 */
#endif
}

inline flush_full()
{
#ifdef NO_ROOT_RELOAD
	write_cr3(cr3);
	loaded_gen = tlb_gen
#else
	load_root()
#endif
}

inline flush_pages(f)
{
	tlb[f] = false;
	loaded_gen = gen[f]
}

inline flush_here(f)
{
	if
	:: !loaded_mm -> skip				/* T1 */
	:: loaded_mm && lazy -> switch_to_init()	/* F3 */
	:: loaded_mm && !lazy && loaded_gen >= gen[f] -> skip	/* F1 */
#ifdef NO_GEN_GAP
	:: loaded_mm && !lazy && loaded_gen < gen[f] && f != ROOT ->
		flush_pages(f)
	:: loaded_mm && !lazy && loaded_gen < gen[f] && f == ROOT ->
		flush_full()
#else
	:: loaded_mm && !lazy && loaded_gen + 1 == gen[f] && f != ROOT ->
		flush_pages(f)
	:: loaded_mm && !lazy && (loaded_gen + 1 < gen[f] ||
		(loaded_gen < gen[f] && f == ROOT)) ->
		flush_full()
#endif
	fi;
	ipi[f] = false
}

/* Interrupts on: serve some calls, or none. */
inline irqs_on()
{
	do
	:: ipi[0] -> flush_here(0)
	:: ipi[1] -> flush_here(1)
	:: ipi[ROOT] -> flush_here(ROOT)
	:: break
	od
}

proctype cpu()
{
	byte g, root, n;

	do
	:: n < 2 ->
		switch_to_mm();
		irqs_on();
		if
		:: lazy = loaded_mm; irqs_on();		/* kernel thread */
			if
			:: switch_to_mm(); irqs_on()	/* and back */
			:: skip
			fi
		:: skip
		fi;
		if
		:: loaded_mm -> switch_to_init()
		:: else
		fi;
		irqs_on();
		n++
	:: else -> break
	od;
end:	do
	:: ipi[0] -> flush_here(0)
	:: ipi[1] -> flush_here(1)
	:: ipi[ROOT] -> flush_here(ROOT)
	od
}

/* flush_tlb_mm_range(), then the page or table is freed. */
proctype flusher(byte f)
{
	bool m;

	pending[f] = true;				/* (A) */
#ifndef NO_FLUSH_MB
	mb(pending[f]);
#endif
	atomic {					/* (B) */
		tlb_gen++;
		gen[f] = tlb_gen
	};
	m = mask;
#ifdef NO_LAZY
	m = m && !lazy;
#endif
	if
	:: m ->
		mb(pending[f]);		/* smp_call_mask: locked */
		ipi[f] = true;
		!ipi[f]
	:: else
	fi;
	atomic {
		gone[f] = true;
		if
		:: f == ROOT -> assert(cr3 != 0)
		:: else -> assert(!tlb[f])
		fi
	}
}

init {
	atomic {
		pte[0] = true;
		pte[1] = true;
		run store_buffers();
		run mmu();
		run cpu();
		run flusher(0); run flusher(1); run flusher(ROOT)
	}
}
