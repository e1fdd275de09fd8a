/* SPDX-License-Identifier: MIT */
/*
 * Relocation of a table under CPUs that use it.
 *
 * Code: mm/ptmigrate_move.c: move_table copy_entries switch_parent flush_moves
 * Code: mm/ptmigrate_move.c: harvest retire_old
 * Code: mm/pgtable.c: lock_live walk_down
 * Code: mm/pgtable_table.c: table_free_rcu
 * Code: mm/tlb.c: flush_here leave_lazy
 * Steps: (0)-(9) of the migrator, (1)-(4) of the reader, as in
 * ptmigrate_move.c.
 *
 * Bounds: LIVE; one table with one leaf under one parent entry, moved once; a
 * CPU that runs the mm and a lazy one, each with an MMU that may walk at any
 * time, keeps a table pointer (paging-structure cache) and a translation until
 * it is flushed, and sets A and D as late as it likes, never through an entry
 * that is not present; one thread that unmaps the page under the table's lock,
 * flushes and frees it; one lockless reader (gup_fast).  No other changes of
 * the parent, so its lock is left out.  Flush requests reach every CPU that
 * has the mm loaded (shootdown.pml); grace periods wait for all readers
 * (rcu_gp.pml).
 *
 * Claims: whoever unmaps finds every A and D that was ever set; no MMU and no
 * reader touches a table that was freed; nobody writes to a freed page; a
 * reader that has the lock has the live table.
 *
 * NO_FLUSH		(6)
 * NO_LAZY		(6) leaves lazy CPUs alone
 * NO_HARVEST		(7)
 * NO_LATE_HARVEST	(7) before (6)
 * NO_LOCKED_OR		(7) reads and writes T', not in one operation
 * NO_NEW_LOCK		(2): T' is not locked until (8)
 * NO_GP		(9) frees at once
 * NO_REWALK		T's lock is free again at (8)
 */
#define OLD	0			/* T */
#define NEW	1			/* T' */
#define NONE	3
#define FREE	0
#define HELD	1
#define DEAD	2
#define RUNS	0			/* CPUs */
#define LAZY	1
#define MIGRATOR 0			/* who flushes */
#define UNMAPPER 1
#define READER	1			/* RCU readers: 0 unmapper, 1 gup */

byte parent = OLD;			/* P */
bool present[2], accessed[2], dirty[2];	/* the leaf in T and T' */
bool limbo[2], retired[2], table_gone[2];
byte ptl[2];				/* FREE, HELD or DEAD */

bool loaded[2];				/* the CPU has the mm's root */
byte psc[2];				/* cached table pointer */
byte tlb[2];				/* 0 nothing, 1 clean, 2 dirty */
bool ipi[4];				/* who * 2 + cpu */

byte count = 1;				/* of the page; 0: free */
bool used, wrote;			/* ghost: some MMU set A, D */

bool in_rcu[2];
bool epoch[2];

/* One access of the MMU through its cached table pointer. */
inline touch(c, is_write)
{
	assert(!table_gone[psc[c]]);
	if
	:: present[psc[c]] ->
		accessed[psc[c]] = true;
		used = true;
		if
		:: is_write ->
			dirty[psc[c]] = true;
			assert(count > 0);
			wrote = true;
			tlb[c] = 2
		:: else ->
			if
			:: tlb[c] == 0 -> tlb[c] = 1
			:: else
			fi
		fi
	:: else -> psc[c] = NONE		/* page fault */
	fi
}

inline flush_here(c, who)
{
	psc[c] = NONE;
	tlb[c] = 0;
	if
	:: c == LAZY -> loaded[c] = false	/* leave_lazy() */
	:: else
	fi;
	ipi[who * 2 + c] = false
}

proctype cpu(byte c)
{
end:	do
	:: atomic { loaded[c] && psc[c] == NONE -> psc[c] = parent }
	:: atomic { psc[c] != NONE -> touch(c, false) }
	:: atomic { c == RUNS && psc[c] != NONE -> touch(c, true) }
	:: atomic { c == RUNS && tlb[c] == 2 -> assert(count > 0) }
	:: atomic { ipi[c] -> flush_here(c, MIGRATOR) }
	:: atomic { ipi[2 + c] -> flush_here(c, UNMAPPER) }
	od
}

inline flush(who)
{
	ipi[who * 2 + RUNS] = loaded[RUNS];
#ifdef NO_LAZY
	skip;
#else
	ipi[who * 2 + LAZY] = loaded[LAZY];
#endif
	!ipi[who * 2 + RUNS] && !ipi[who * 2 + LAZY]
}

inline rcu_read_lock(me)
{
	in_rcu[me] = true
}

inline rcu_read_unlock(me)
{
	d_step {
		in_rcu[me] = false;
		epoch[me] = !epoch[me]
	}
}

inline lock(t)
{
	atomic { ptl[t] == FREE -> ptl[t] = HELD }
}

inline harvest()				/* (7) */
{
#ifdef NO_LOCKED_OR
	d_step { a = accessed[NEW]; d = dirty[NEW] };
	d_step {
		if
		:: accessed[OLD] != a || dirty[OLD] != d ->
			accessed[NEW] = a || accessed[OLD];
			dirty[NEW] = d || dirty[OLD]
		:: else
		fi
	}
#else
	d_step {
		assert(present[OLD] == present[NEW]);
		accessed[NEW] = accessed[NEW] || accessed[OLD];
		dirty[NEW] = dirty[NEW] || dirty[OLD]
	}
#endif
}

proctype migrator()
{
	bool a, d, was[2], at[2];

	lock(OLD);					/* (2) */
	lock(NEW);
	d_step {					/* (3) */
		present[NEW] = present[OLD];
		accessed[NEW] = accessed[OLD];
		dirty[NEW] = dirty[OLD]
	};
	parent = NEW;					/* (4) */
	retired[OLD] = true;				/* (5) */
#ifdef NO_NEW_LOCK
	ptl[NEW] = FREE;
#endif
#ifdef NO_LATE_HARVEST
	harvest();
#endif
#ifndef NO_FLUSH
	flush(MIGRATOR);				/* (6) */
#endif
#if !defined(NO_HARVEST) && !defined(NO_LATE_HARVEST)
	harvest();					/* (7) */
#endif
	d_step {					/* (8) */
		present[OLD] = false;
		limbo[OLD] = true
	};
#ifndef NO_NEW_LOCK
	ptl[NEW] = FREE;
#endif
#ifdef NO_REWALK
	ptl[OLD] = FREE;
#else
	ptl[OLD] = DEAD;
#endif
#ifndef NO_GP
	d_step {
		was[0] = in_rcu[0]; at[0] = epoch[0];
		was[1] = in_rcu[1]; at[1] = epoch[1]
	};
	!(was[0] && in_rcu[0] && epoch[0] == at[0]) &&
	!(was[1] && in_rcu[1] && epoch[1] == at[1]);
#endif
	table_gone[OLD] = true				/* (9) */
}

inline lock_leaf(t)
{
	do
	::	rcu_read_lock(0);
		t = parent;				/* (1) */
		if
		:: atomic { ptl[t] == FREE -> ptl[t] = HELD };	/* (2) */
			assert(!table_gone[t]);
			rcu_read_unlock(0);
			break
		:: ptl[t] == DEAD ->			/* (3) */
			assert(!table_gone[t]);
			rcu_read_unlock(0)
		fi
	od
}

proctype unmapper()
{
	byte t;
	bool a, d;

	lock_leaf(t);
	assert(t == parent && !limbo[t]);		/* (4) */
	atomic {			/* exchange the leaf for 0 */
		assert(present[t]);
		a = accessed[t];
		d = dirty[t];
		present[t] = false;
		accessed[t] = false;
		dirty[t] = false;
		assert(a == used);
		assert(d == wrote)
	};
	flush(UNMAPPER);
	ptl[t] = FREE;
	atomic {
		assert(count > 0);
		count--
	}
}

proctype gup_fast()
{
	byte t;

	rcu_read_lock(READER);
again:
	t = parent;					/* (1) */
	atomic {
		assert(!table_gone[t]);
		if
		:: limbo[t] -> goto again
		:: !limbo[t] && !present[t] -> goto done
		:: else
		fi
	};
	atomic {					/* (3) */
		if
		:: count == 0 -> goto done
		:: else -> count++
		fi
	};
	atomic {
		assert(count > 0);
		count--
	};
done:
	rcu_read_unlock(READER)
}

init {
	atomic {
		present[OLD] = true;
		loaded[RUNS] = true;
		loaded[LAZY] = true;
		psc[RUNS] = NONE;
		psc[LAZY] = NONE;
		run cpu(RUNS); run cpu(LAZY);
		run migrator();
		run unmapper();
		run gup_fast()
	};
	_nr_pr == 3;			/* the MMUs never end */
	assert(count == 0 && parent == NEW && retired[OLD] &&
	       ptl[OLD] != HELD && ptl[NEW] == FREE)
}
