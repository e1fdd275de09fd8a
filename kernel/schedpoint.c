/* SPDX-License-Identifier: MIT */
/*
 * Interleavings chosen by a seed (lab builds).
 *
 * With one host thread for all CPUs and instruction counting (tools/race.py)
 * QEMU repeats itself to the instruction.  A CPU runs until it executes PAUSE
 * or HLT, or until some timer is due; then comes the next one.  So a kernel
 * that executes PAUSE at places of its own choice chooses its interleaving.
 *
 * X1  What a point does is a function of the seed, the CPU and the number of
 *     the point on that CPU (and, for pct, of what came before).  Leaving some
 *     points out (race_keep=) leaves the choice at the others; each CPU still
 *     comes to much the same points, as far as it does not poll.
 * X2  A point waits for nothing and nobody: it stands still for a bounded
 *     number of PAUSEs, so exploring makes no deadlock that was not there, and
 *     no CPU that spins for another can keep it out for ever.
 * X3  A point where the thread can be preempted preempts it now and then:
 *     threads of one CPU interleave too.
 * X4  A loop without points would have the machine until some timer is due,
 *     and with an even number of CPUs for ever (docs/exploration.md,
 *     "Slices").  So every CPU ticks 1,000 to 10,000 times a second while
 *     the points are armed, and a tick hands over.  Ticks come between any two
 *     instructions, where no point stands.
 *
 * random	at one point in N: one to eight PAUSEs.  N is the seed's, from 4
 *		to 512: some bugs want many switches, some a long way for one
 *		CPU while another stands still.
 * pct		CPUs have ranks.  At every point a CPU stands still while CPUs
 *		of better rank get on.  At `race_depth` points whose numbers
 *		the seed gives, the CPU there falls to the last rank.  X2: who
 *		has stood for PCT_STAND PAUSEs, or PCT_POINTS points of the
 *		others, takes the best rank.  (Burckhardt et al., ASPLOS 2010,
 *		with CPUs for threads; theirs blocks, and needs threads that
 *		end: one that polls would keep the others out for ever.)
 *
 * What was done goes to port 0xe9 as records; QEMU writes them to a file
 * (-debugcon).  Two runs are the same when these files are.
 *
 * No locks.  docs/exploration.md says what this can show and what not.
 * Tests: tests/drive/race.py
 */
#include "kernel/schedpoint.h"
#include "arch/cpu.h"
#include "arch/io.h"
#include "arch/percpu.h"
#include "arch/smp.h"
#include "kernel/ipi.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "lib/prng.h"
#include "lib/string.h"

#define RANDOM_ONE_IN_MIN 2		/* log2 */
#define RANDOM_ONE_IN_MAX 9
#define RANDOM_MAX	8
#define PREEMPT_ONE_IN	4
#define PCT_STAND	32
#define PCT_POINTS	1000
#define PCT_HORIZON_MIN	7		/* log2 of a number of points */
#define PCT_HORIZON_MAX	14
#define TICK_MIN_HZ	1000
#define TICK_SPREAD_HZ	9000

#define LOG_PORT	0xe9		/* QEMU's debugcon */
#define PVPANIC_PORT	0x505
#define PVPANIC_PANICKED 1

struct explorer {
	s32 rank;			/* pct; the least is the best */
	u32 hits[NR_SCHED_POINTS];
	u32 points;			/* the sum of hits */
	u32 acted;
};

/* The same for the end (hash of all points) and a failure: tools/race.py */
struct record {
	u32 key, place;			/* place: low half of the address */
	u8 id, cpu;
	u16 pauses;
};
enum { REC_END = 0xfe, REC_FAILED = 0xff };

u32 sched_points_armed;

static DEFINE_PER_CPU(struct explorer, explorer);
static u32 one_in;			/* random */
static u32 change_at[SCHED_MAX_DEPTH];	/* pct: keys */
static s32 best_rank;			/* a: pct */
static u32 total;			/* a: points so far */
static u64 hash;			/* a: of all points so far */
static u32 failed;			/* a: told the host */
static u64 started;

static const char *const id_name[NR_SCHED_POINTS] = {
	"lock", "unlock", "atomic", "pte", "flush", "notifier", "rcu", "race",
	"user",
};

static u64 mix(u64 a, u64 b)
{
	struct prng p;

	prng_seed(&p, a ^ b << 32);
	return prng_u64(&p);
}

/* X1 */
static bool kept(u32 key)
{
	u32 low = 0, high = sched_plan.nr_keep;

	if (!sched_plan.keep_given)
		return true;
	while (low < high) {
		u32 mid = (low + high) / 2;

		if (key > sched_plan.keep[mid].last)
			low = mid + 1;
		else
			high = mid;
	}
	return low < sched_plan.nr_keep && key >= sched_plan.keep[low].first;
}

static void log_record(u32 key, u32 place, u8 id, u16 pauses)
{
	struct record r = { key, place, id, (u8)smp_processor_id(), pauses };

	outsb(LOG_PORT, &r, sizeof(r));
}

static u32 random_pauses(u32 key)
{
	u64 r = mix(sched_plan.seed, key);

	if (r % one_in)
		return 0;
	return 1 + (r >> 32) % RANDOM_MAX;
}

/* How far the CPUs of better rank have come. */
static u32 progress_above(s32 rank)
{
	u32 sum = 0;

	for (u32 cpu = 0; cpu < nr_cpus_present; cpu++) {
		const struct explorer *e = per_cpu_ptr(&explorer, cpu);

		if (READ_ONCE(e->rank) < rank)
			sum += READ_ONCE(e->points);
	}
	return sum;
}

/* Falls at a change point.  True: there are CPUs before this one. */
static bool pct_behind(struct explorer *e, u32 key)
{
	for (u32 i = 0; i < sched_plan.depth; i++)
		if (change_at[i] == key)
			WRITE_ONCE(e->rank, (s32)(nr_cpus_present + i));
	for (u32 cpu = 0; cpu < nr_cpus_present; cpu++)
		if (READ_ONCE(per_cpu_ptr(&explorer, cpu)->rank) < e->rank)
			return true;
	return false;
}

/* Until those before us stand still themselves, or it is enough: X2. */
static void pct_stand(struct explorer *e)
{
	s32 rank = READ_ONCE(e->rank);
	u32 start = progress_above(rank), before, now = start;

	for (u32 n = 0; n < PCT_STAND && now - start < PCT_POINTS; n++) {
		before = now;
		cpu_relax();
		now = progress_above(rank);
		if (now == before)
			return;
	}
	WRITE_ONCE(e->rank,
		   __atomic_sub_fetch(&best_rank, 1, __ATOMIC_RELAXED));
}

struct choice {
	u32 pauses;			/* random */
	u32 stand;			/* pct */
	u32 preempt;
};

/* IRQs off. */
static struct choice choose(struct explorer *e, u32 key)
{
	struct choice c = { 0 };

	if (!kept(key))
		return c;
	if (sched_plan.strategy == SCHED_RANDOM)
		c.pauses = random_pauses(key);
	else
		c.stand = pct_behind(e, key);
	if (c.pauses || c.stand)
		c.preempt = !(mix(~sched_plan.seed, key) % PREEMPT_ONE_IN);
	return c;
}

static void act(struct explorer *e, const struct choice *c)
{
	for (u32 i = 0; i < c->pauses; i++)
		cpu_relax();
	if (c->stand)
		pct_stand(e);
	if (c->preempt && !this_cpu_read(preempt_count) && !irqs_disabled())
		preempt_schedule();				/* X3 */
}

void sched_point_hit(enum sched_point_id id)
{
	u32 place = (u32)(u64)__builtin_return_address(0), nth, key;
	u64 flags = local_irq_save();
	struct explorer *e = this_cpu_ptr(&explorer);
	struct choice c;

	if (panic_in_progress()) {
		local_irq_restore(flags);
		return;
	}
	nth = __atomic_fetch_add(&total, 1, __ATOMIC_RELAXED);
	key = SCHED_KEY(smp_processor_id(), e->points);
	__atomic_fetch_add(&hash, mix(mix(nth, place), key), __ATOMIC_RELAXED);
	e->hits[id]++;
	WRITE_ONCE(e->points, e->points + 1);
	c = choose(e, key);
	if (c.pauses || c.stand) {
		e->acted++;
		log_record(key, place, (u8)id, (u16)c.pauses);
	}
	local_irq_restore(flags);
	act(e, &c);
}

/* X4.  In interrupt context. */
void sched_explore_tick(void)
{
	if (READ_ONCE(sched_points_armed))
		cpu_relax();
}

static void set_tick(void *hz)
{
	apic_timer_start(*(const u32 *)hz);
}

/* Ranks are a random order of the CPUs. */
static void deal(void)
{
	struct prng rng;
	u32 horizon;

	prng_seed(&rng, sched_plan.seed);
	for (u32 cpu = 0; cpu < nr_cpus_present; cpu++) {
		struct explorer *e = per_cpu_ptr(&explorer, cpu);
		u32 other = (u32)prng_below(&rng, cpu + 1);

		memset(e, 0, sizeof(*e));
		e->rank = per_cpu_ptr(&explorer, other)->rank;
		per_cpu_ptr(&explorer, other)->rank = (s32)cpu;
	}
	horizon = 1U << (PCT_HORIZON_MIN + prng_below(&rng,
			PCT_HORIZON_MAX - PCT_HORIZON_MIN + 1));
	for (u32 i = 0; i < SCHED_MAX_DEPTH; i++)
		change_at[i] = SCHED_KEY(prng_below(&rng, nr_cpus_present),
					 prng_below(&rng, horizon));
	one_in = 1U << (RANDOM_ONE_IN_MIN + prng_below(&rng,
			RANDOM_ONE_IN_MAX - RANDOM_ONE_IN_MIN + 1));
	if (!sched_plan.tick_given)
		sched_plan.tick_hz = TICK_MIN_HZ +
			(u32)prng_below(&rng, TICK_SPREAD_HZ);
}

void sched_explore_begin(void)
{
	sched_plan_set_bug();
	if (!sched_plan.seeded)
		return;
	deal();
	best_rank = 0;
	total = 0;
	hash = 0;
	started = ktime_get();
	on_each_cpu(set_tick, &sched_plan.tick_hz);
	WRITE_ONCE(sched_points_armed, 1);
}

static void report(void)
{
	u32 acted = 0;

	for (u32 cpu = 0; cpu < nr_cpus_present; cpu++)
		acted += per_cpu_ptr(&explorer, cpu)->acted;
	kprintf("# race: seed %llu, %s, %u Hz: %u points, %u switches, "
		"%llu us, trace %llx\n# race:", sched_plan.seed,
		sched_plan.strategy == SCHED_PCT ? "pct" : "random",
		sched_plan.tick_hz, total, acted,
		(ktime_get() - started) / 1000, hash);
	for (u32 id = 0; id < NR_SCHED_POINTS; id++) {
		u32 n = 0;

		for (u32 cpu = 0; cpu < nr_cpus_present; cpu++)
			n += per_cpu_ptr(&explorer, cpu)->hits[id];
		kprintf(" %s %u", id_name[id], n);
	}
	kprintf("\n");
}

void sched_explore_end(void)
{
	u32 hz = CONFIG_HZ;

	if (!READ_ONCE(sched_points_armed))
		return;
	WRITE_ONCE(sched_points_armed, 0);
	on_each_cpu(set_tick, &hz);
	log_record((u32)hash, (u32)(hash >> 32), REC_END, 0);
	report();
}

void sched_explore_failed(void)
{
	u64 flags;

	if (!sched_plan.seeded ||
	    __atomic_exchange_n(&failed, 1, __ATOMIC_RELAXED))
		return;
	flags = local_irq_save();
	log_record((u32)hash, (u32)(hash >> 32), REC_FAILED, 0);
	outb(PVPANIC_PORT, PVPANIC_PANICKED);
	local_irq_restore(flags);
}
