/* SPDX-License-Identifier: MIT */
/*
 * Speculative page references against freezing.
 *
 * Code: mm/filemap.c: try_lookup remove_mapping delete_from_page_cache
 * Code: mm/filemap.c: add_to_page_cache
 * Code: mm/writeback.c: set_page_dirty
 * Steps: (1)(2)(3) of lookup, (A)(B)(C) of removal, C5, as in mm/filemap.h.
 *
 * Bounds: two frames, one index in each of two files; two lookups in file A,
 * whose holders write, set dirty and put; twice somebody reclaims,
 * truncates or writes back a page, at the same time; one page is added, to
 * either file, so frames are used again.  Atomic operations are full barriers (x86), plain
 * accesses are in order: no store buffers.
 *
 * Claims: a page that lookup returns is not free and is not another file's
 * while it is held; no frame is freed twice or used while free; no page is
 * freed with a write that never reached the file; no reference is lost.
 *
 * NO_RECHECK		(3): the frame may be another file's by now
 * NO_UNLESS_ZERO	(2) takes a reference whatever the count
 * NO_FREEZE		(A) tests the count and stores 0, not in one operation
 * NO_DIRTY_LAST	C5: dirty is tested before the freeze only
 */
#define FRAMES	2
#define NONE	3
#define FILE_A	0
#define FILE_B	1

byte slot[2];			/* one index of each file */
bool tree_lock[2];		/* i_pages_lock */
byte count[FRAMES];
byte mapping[FRAMES];
bool page_lock[FRAMES];
bool page_free[FRAMES];
bool dirty[FRAMES];
bool newer[FRAMES];		/* ghost: bytes that the file does not have */

inline free_page(q)
{
	assert(!page_free[q] && count[q] == 0);
	page_free[q] = true
}

inline put_page(q)
{
	atomic {
		assert(count[q] > 0 && !page_free[q]);
		count[q]--;
		if
		:: count[q] == 0 -> free_page(q)
		:: else
		fi
	}
}

inline lock(l)
{
	atomic { !l -> l = true }
}

proctype lookup()
{
	byte p;

again:
	p = slot[FILE_A];				/* (1) */
	if
	:: p == NONE -> goto done
	:: else
	fi;
#ifdef NO_UNLESS_ZERO
	count[p]++;					/* (2) */
#else
	atomic {					/* (2) */
		if
		:: count[p] == 0 -> goto again
		:: else -> count[p]++
		fi
	};
#endif
#ifndef NO_RECHECK
	if						/* (3) */
	:: slot[FILE_A] != p -> put_page(p); goto again
	:: else
	fi;
#endif
	atomic {			/* the holder writes ... */
		assert(!page_free[p] && mapping[p] != FILE_B);
		newer[p] = true
	};
	atomic {			/* ... and says so */
		assert(!page_free[p] && mapping[p] != FILE_B);
		dirty[p] = true
	};
	put_page(p);
done:	skip
}

inline reclaim()				/* remove_mapping() */
{
	lock(tree_lock[f]);
#ifdef NO_DIRTY_LAST
	if
	:: dirty[p] -> tree_lock[f] = false; goto busy
	:: else
	fi;
#endif
#ifdef NO_FREEZE
	if						/* (A) */
	:: count[p] == 2 -> skip
	:: else -> tree_lock[f] = false; goto busy
	fi;
	count[p] = 0;
#else
	atomic {					/* (A) */
		if
		:: count[p] == 2 -> count[p] = 0
		:: else -> tree_lock[f] = false; goto busy
		fi
	};
#endif
#ifndef NO_DIRTY_LAST
	if						/* C5 */
	:: dirty[p] -> count[p] = 2; tree_lock[f] = false; goto busy
	:: else
	fi;
#endif
	slot[f] = NONE;					/* (B) */
	d_step {
		mapping[p] = NONE;
		tree_lock[f] = false;
		page_lock[p] = false
	};
	atomic {
		assert(!newer[p]);	/* else: a write is lost */
		free_page(p)				/* (C) */
	}
}

inline truncate()				/* delete_from_page_cache() */
{
	lock(tree_lock[f]);
	slot[f] = NONE;
	d_step {
		mapping[p] = NONE;
		tree_lock[f] = false
	};
	dirty[p] = false;
	put_page(p);			/* the cache's */
	page_lock[p] = false;
	put_page(p)
}

inline write_back()
{
	dirty[p] = false;
	newer[p] = false;
	page_lock[p] = false;
	put_page(p)
}

proctype remover()
{
	byte p, f;

	if
	:: f = FILE_A
	:: f = FILE_B
	fi;
	atomic {			/* from the LRU list: unless frozen */
		p = slot[f];
		if
		:: p == NONE -> goto done
		:: p != NONE && count[p] == 0 -> goto done
		:: else -> count[p]++
		fi
	};
	lock(page_lock[p]);
	if
	:: mapping[p] != f -> goto busy
	:: else
	fi;
	if
	:: reclaim(); goto done
	:: truncate(); goto done
	:: write_back(); goto done
	fi;
busy:
	page_lock[p] = false;
	put_page(p);
done:	skip
}

proctype adder()			/* add_new_page() */
{
	byte p, f;
	bool added;

	if
	:: f = FILE_A
	:: f = FILE_B
	fi;
	atomic {
		if
		:: page_free[0] -> p = 0
		:: page_free[1] -> p = 1
		:: !page_free[0] && !page_free[1] -> goto done
		fi;
		assert(count[p] == 0 && !page_lock[p]);
		page_free[p] = false;
		count[p] = 1;
		dirty[p] = false;
		newer[p] = false;
		page_lock[p] = true
	};
	d_step {
		count[p]++;		/* C2: the cache's */
		mapping[p] = f		/* C1 */
	};
	lock(tree_lock[f]);
	d_step {
		added = (slot[f] == NONE);
		if
		:: added -> slot[f] = p
		:: else -> mapping[p] = NONE
		fi;
		tree_lock[f] = false
	};
	if
	:: !added -> put_page(p)
	:: else
	fi;
	page_lock[p] = false;
	put_page(p);
done:	skip
}

init {
	atomic {
		slot[FILE_A] = 0;
		slot[FILE_B] = NONE;
		count[0] = 1;
		mapping[0] = FILE_A;
		mapping[1] = NONE;
		page_free[1] = true;
		run lookup(); run lookup();
		run remover(); run remover();
		run adder()
	};
	_nr_pr == 1;
	assert(page_free[0] || (count[0] == 1 && slot[mapping[0]] == 0));
	assert(page_free[1] || (count[1] == 1 && slot[mapping[1]] == 1))
}
