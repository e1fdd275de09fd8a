/* SPDX-License-Identifier: MIT */
/*
 * RCU grace periods.
 *
 * Code: kernel/rcu.c: want_gp one_grace_period ask_all wait_answers answer
 * Code: kernel/rcu.c: rcu_note_qs rcu_idle_enter rcu_idle_exit rcu_irq_enter
 * Code: kernel/rcu.c: synchronize_rcu
 * Steps: (1)-(4) of the updater, (A)-(D) of a CPU, as in rcu.c.
 *
 * Bounds: two CPUs that, twice each, run a section and switch threads,
 * or halt (with or without an interrupt that has a section of its own); two
 * updaters, each unlinks an object, calls synchronize_rcu() and frees it; the
 * grace-period thread has a CPU of its own that is in no section.  The store
 * of (1), and of the idle counter where its barrier is taken away, sit in a
 * store buffer.  Sleeping and waking is left out: waiters look by themselves.
 *
 * Claims: nobody uses a freed object; every grace period ends (nothing waits
 * for ever: invalid end states).
 *
 * NO_WANT_MB		(2): the barrier before a grace period is asked for
 * NO_NEXT_GP		waits for the grace period that is under way already
 * NO_ASK		(2) asks only CPU 0
 * NO_IDLE_CHECK	(3): nobody answers for a CPU that halts
 * NO_ENTER_MB		(D): the counter is stored without a barrier
 * NO_EXIT_MB		leaving idle: the same
 */
#define CPUS	2

bool linked[2];				/* the objects, one per updater */
bool freed[2];
bool pending[2];			/* store buffers: (1) */

bool qs_pending[CPUS];
bool odd[CPUS];				/* dynticks & 1, as others see it */
bool mine[CPUS];			/* as the CPU itself sees it */
bool pending_odd[CPUS];			/* store buffer: it is coming out */
byte qs_left;

byte gp_started, gp_completed, gp_wanted;	/* gp_lock */

#define mb(buffer) !buffer

proctype store_buffers()
{
end:	do
	:: atomic { pending[0] -> linked[0] = false; pending[0] = false }
	:: atomic { pending[1] -> linked[1] = false; pending[1] = false }
#if defined(NO_ENTER_MB) || defined(NO_EXIT_MB)
	:: atomic { pending_odd[0] -> odd[0] = mine[0]; pending_odd[0] = false }
	:: atomic { pending_odd[1] -> odd[1] = mine[1]; pending_odd[1] = false }
#endif
	od
}

inline answer(cpu)				/* (C) */
{
	atomic {
		if
		:: qs_pending[cpu] ->		/* xchg */
			qs_pending[cpu] = false;
			assert(qs_left > 0);
			qs_left--
		:: else
		fi
	}
}

inline note_qs(c)				/* rcu_note_qs() */
{
	if
	:: qs_pending[c] ->
		mb(pending_odd[c]);
		answer(c)
	:: else
	fi
}

inline section(c)				/* (A) .. (B) */
{
	saw = linked[o];
	if
	:: saw -> assert(!freed[o])		/* uses it */
	:: else
	fi;
	if
	:: saw -> atomic { assert(!freed[o]); saw = false }	/* still */
	:: else
	fi
}

inline leave_idle(c)
{
#ifdef NO_EXIT_MB
	d_step { mine[c] = true; pending_odd[c] = true }
#else
	mb(pending_odd[c]);
	d_step { mine[c] = true; odd[c] = true }
#endif
}

inline idle(c)
{
#ifdef NO_ENTER_MB
	d_step { mine[c] = false; pending_odd[c] = true };
#else
	mb(pending_odd[c]);
	d_step { mine[c] = false; odd[c] = false };	/* (D) */
#endif
	note_qs(c);
	if
	::	leave_idle(c);			/* rcu_irq_enter() */
		if
		:: note_qs(c)			/* RCU_IRQ_PREEMPTIBLE */
		:: skip
		fi;
		section(c)
	:: skip
	fi;
	if
	:: !mine[c] -> leave_idle(c)		/* rcu_idle_exit() */
	:: else
	fi
}

proctype cpu(byte c)
{
	byte n, o;
	bool saw;

	do
	:: n < 2 ->
		if
		:: o = 0
		:: o = 1
		fi;
		if
		:: section(c); note_qs(c)	/* the scheduler */
		:: idle(c)
		fi;
		n++
	:: else -> break
	od;
	/* From here on it halts, and no interrupt comes. */
	mb(pending_odd[c]);
#ifdef NO_ENTER_MB
	d_step { mine[c] = false; pending_odd[c] = true };
#else
	d_step { mine[c] = false; odd[c] = false };
#endif
	note_qs(c)
}

inline ask_one(c)
{
	qs_pending[c] = true;				/* (2) */
#ifndef NO_IDLE_CHECK
	if
	:: !odd[c] -> answer(c)				/* (3) */
	:: else
	fi
#endif
}

proctype gp_main()
{
end:	do
	:: gp_wanted > gp_started ->
		gp_started++;
#ifdef NO_ASK
		qs_left = 2;
		ask_one(0);
#else
		qs_left = CPUS + 1;
		ask_one(0);
		ask_one(1);
#endif
		qs_left--;
		qs_left == 0;				/* (4) */
		gp_completed = gp_started
	od
}

proctype updater(byte o)
{
	byte gp;

	pending[o] = true;				/* (1) */
#ifndef NO_WANT_MB
	mb(pending[o]);
#endif
	atomic {					/* want_gp() */
#ifdef NO_NEXT_GP
		gp = (gp_completed < gp_started -> gp_started : gp_started + 1);
#else
		gp = gp_started + 1;
#endif
		if
		:: gp_wanted < gp -> gp_wanted = gp
		:: else
		fi
	};
	gp_completed >= gp;
	freed[o] = true
}

init {
	atomic {
		linked[0] = true;
		linked[1] = true;
		odd[0] = true; mine[0] = true;
		odd[1] = true; mine[1] = true;
		run store_buffers();
		run gp_main();
		run cpu(0); run cpu(1);
		run updater(0); run updater(1)
	}
}
