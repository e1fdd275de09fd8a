/* SPDX-License-Identifier: MIT */
/*
 * SRCU grace periods.
 *
 * Code: kernel/srcu.c: srcu_read_lock srcu_read_unlock bank_empty wait_empty
 * Code: kernel/srcu.c: synchronize_srcu
 * Steps: (1)-(4) of the reader, (A)-(C) of synchronize_srcu(), as in srcu.c.
 *
 * Bounds: two readers with two sections each; one updater that three times
 * replaces an object, waits and frees the old one (gp_mutex makes one of many
 * updaters).  Counters do not wrap.  The updater's store of the new object and
 * of `waiting`, and the readers' counts where their barrier is taken away, sit
 * in a store buffer.  Sleeping is modelled: the waiter is on the queue before
 * it looks for the last time, and sleeps until somebody wakes it.
 *
 * Claims: nobody uses a freed object; no wake-up is lost (nothing waits for
 * ever: invalid end states).
 *
 * NO_DRAIN		(A)
 * NO_WAIT		(C)
 * NO_UNLOCKS_FIRST	bank_empty reads the locks before the unlocks
 * NO_LOCK_MB		the barrier in (2)
 * NO_UNLOCK_MB		the barrier in (4)
 * NO_WAITING_MB	wait_empty's barrier after setting `waiting`
 */
#define READERS	2
#define ROUNDS	3

byte object;				/* the present one's number */
bool freed[ROUNDS + 1];
bool idx;
byte lock_count[2], unlock_count[2];
bool waiting, asleep;
bool updating;

/* store buffers */
bool pending_object, pending_waiting;
bool pending_lock[READERS], pending_unlock[READERS];
bool bank[READERS];			/* the bank those are for */

#define mb(buffer) !buffer

proctype store_buffers()
{
end:	do
	:: atomic { pending_object -> object++; pending_object = false }
	:: atomic { pending_waiting -> waiting = true; pending_waiting = false }
#if defined(NO_LOCK_MB) || defined(NO_UNLOCK_MB)
	:: atomic { pending_lock[0] ->
		lock_count[bank[0]]++; pending_lock[0] = false }
	:: atomic { pending_lock[1] ->
		lock_count[bank[1]]++; pending_lock[1] = false }
	:: atomic { pending_unlock[0] ->
		unlock_count[bank[0]]++; pending_unlock[0] = false }
	:: atomic { pending_unlock[1] ->
		unlock_count[bank[1]]++; pending_unlock[1] = false }
#endif
	od
}

proctype reader(byte r)
{
	byte n, o;
	bool w;

	do
	:: n < 2 ->
		bank[r] = idx;				/* (1) */
#ifdef NO_LOCK_MB
		pending_lock[r] = true;			/* (2) */
#else
		lock_count[bank[r]]++;			/* (2) */
#endif
		o = object;				/* (3) */
		assert(!freed[o]);
		assert(!freed[o]);
		mb(pending_lock[r]);	/* stores leave in order */
#ifdef NO_UNLOCK_MB
		pending_unlock[r] = true;		/* (4) */
#else
		unlock_count[bank[r]]++;		/* (4) */
#endif
		w = waiting;
		mb(pending_unlock[r]);
		if
		:: w -> asleep = false			/* wake_up_all() */
		:: else
		fi;
		n++
	:: else -> break
	od
}

inline bank_empty(b)
{
#ifdef NO_UNLOCKS_FIRST
	locks = lock_count[b];
	unlocks = unlock_count[b];
#else
	unlocks = unlock_count[b];
	locks = lock_count[b];
#endif
	none = (locks == unlocks)
}

inline wait_empty(which)
{
	bank_empty(which);
	if
	:: none -> skip
	:: else ->
		pending_waiting = true;
#ifndef NO_WAITING_MB
		mb(pending_waiting);
#endif
		do				/* wait_event() */
		::	asleep = true;		/* on the queue */
			bank_empty(which);
			if
			:: none -> asleep = false; break
			:: else -> !asleep
			fi
		od;
		mb(pending_waiting);
		waiting = false
	fi;
	none = false;
	locks = 0;
	unlocks = 0
}

proctype updater()
{
	byte n, locks, unlocks;
	bool none, i;

	do
	:: n < ROUNDS ->
		pending_object = true;		/* publish the next one */
		mb(pending_object);
		i = idx;
#ifndef NO_DRAIN
		wait_empty(!i);				/* (A) */
#endif
		idx = !i;				/* (B) */
#ifndef NO_WAIT
		wait_empty(i);				/* (C) */
#endif
		freed[n] = true;
		n++
	:: else -> break
	od
}

init {
	atomic {
		run store_buffers();
		run reader(0); run reader(1);
		run updater()
	}
}
