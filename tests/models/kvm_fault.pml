/* SPDX-License-Identifier: MIT */
/*
 * A device's fault against sections: sequence and counter.
 *
 * Code: drivers/shadow/kvm.c: kvm_fault try_install must_retry
 * Code: drivers/shadow/kvm.c: kvm_range_start kvm_range_end
 * Steps: (1)-(5) of the fault, (A)-(C) of a section, as in kvm.c.
 *
 * Bounds: two addresses, four frames; two sections, each at either address,
 * that unmap it or give it another frame (copy on write), at the same time or
 * one after the other; two virtual CPUs, the first with two faults, at either
 * address.  What happens under mmu_lock or a table's lock is one step.  The
 * sequence does not wrap.
 *
 * Claims: no frame is freed while a shadow entry names it; outside sections
 * the shadow entry of an address is empty or names the page table's frame.
 *
 * NO_SEQ		(4) does not compare mmu_seq
 * NO_COUNTER		(4) does not look at in_progress
 * NO_RMB		the load of (1) may be done after (2)
 * NO_WIDEN		(A) of a second section replaces the range
 * NO_START		(A): everything is done in (C), after the frees
 */
#define VAS	2
#define FRAMES	4
#define NONE	7

byte pte[VAS];
byte spte[VAS];
byte ref[FRAMES];			/* 0: free */
byte open[VAS];				/* ghost: sections between (A) and (C) */

byte mmu_seq, in_progress;
byte inval_lo, inval_hi;		/* the range, last address included */

#define right(v) (spte[v] == NONE || spte[v] == pte[v])

inline put_page(q)
{
	ref[q]--;
	assert(ref[q] > 0 || (spte[0] != q && spte[1] != q))
}

inline alloc_page(q)
{
	if
	:: ref[0] == 0 -> q = 0
	:: else -> if
		:: ref[1] == 0 -> q = 1
		:: else -> if
			:: ref[2] == 0 -> q = 2
			:: else -> if
				:: ref[3] == 0 -> q = 3
				:: else -> q = NONE
				fi
			fi
		fi
	fi;
	if
	:: q != NONE -> ref[q] = 1
	:: else
	fi
}

inline range_start(v)				/* (A), mmu_lock held */
{
	atomic {
		open[v]++;
#ifndef NO_START
		in_progress++;
#ifdef NO_WIDEN
		if
		:: true -> inval_lo = v; inval_hi = v
#else
		if
		:: in_progress == 1 -> inval_lo = v; inval_hi = v
		:: in_progress > 1 && v < inval_lo -> inval_lo = v
		:: in_progress > 1 && v > inval_hi -> inval_hi = v
		:: else
#endif
		fi;
		spte[v] = NONE
#endif
	}
}

inline range_end(v)				/* (C), mmu_lock held */
{
	atomic {
#ifdef NO_START
		spte[v] = NONE;
		mmu_seq++;
#else
		mmu_seq++;
		assert(in_progress > 0);
		in_progress--;
#endif
		open[v]--;
		assert(open[v] || right(v))
	}
}

proctype section()
{
	byte v, old, new;

	if
	:: v = 0
	:: v = 1
	fi;
	range_start(v);
	atomic {				/* (B) */
		old = pte[v];
		if
		:: new = NONE
		:: old != NONE -> alloc_page(new)
		fi;
		pte[v] = new
	};
	atomic {				/* (B): the old page goes */
		if
		:: old != NONE -> put_page(old)
		:: else
		fi
	};
	range_end(v)
}

inline get_user_page(v, pfn)			/* (2) */
{
	atomic {
		if
		:: pte[v] == NONE -> alloc_page(pfn); pte[v] = pfn
		:: else -> pfn = pte[v]
		fi;
		if
		:: pfn == NONE -> goto done	/* out of memory */
		:: else -> ref[pfn]++
		fi
	}
}

proctype vcpu(byte faults)
{
	byte v, seq, pfn;
	bool again;

	do
	:: faults > 0 ->
		if
		:: v = 0
		:: v = 1
		fi;
retry:
#ifdef NO_RMB
		get_user_page(v, pfn);
		seq = mmu_seq;				/* (1), late */
#else
		seq = mmu_seq;				/* (1) */
		get_user_page(v, pfn);
#endif
		atomic {				/* (3) */
			again = false;			/* (4) */
#ifndef NO_COUNTER
			again = again || (in_progress > 0 &&
				v >= inval_lo && v <= inval_hi);
#endif
#ifndef NO_SEQ
			again = again || mmu_seq != seq;
#endif
			if
			:: !again -> spte[v] = pfn	/* (5) */
			:: else
			fi;
			assert(open[v] || right(v))
		};
		atomic { put_page(pfn); pfn = 0; seq = 0 };
		if
		:: again -> goto retry
		:: else
		fi;
		faults--
	:: else -> break
	od;
done:	skip
}

init {
	atomic {
		pte[0] = 0;
		ref[0] = 1;
		pte[1] = NONE;
		spte[0] = NONE;
		spte[1] = NONE;
		run section(); run section();
		run vcpu(2); run vcpu(1)
	};
	_nr_pr == 1;
	assert(right(0) && right(1) && in_progress == 0)
}
