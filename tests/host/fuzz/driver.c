/* SPDX-License-Identifier: MIT */
/*
 * The driver without libFuzzer: every seed whole, every seed cut at every
 * byte, then a fixed number of mutations of seeds; the same inputs in every
 * run.  One TAP test.  A fault ends the process, after the input was shown
 * as hexadecimal.  `--seeds DIR` writes the seeds as files instead.
 */
#include <signal.h>

#include "tests/host/fuzz/fuzz.h"
#include "lib/prng.h"

#define MUTATIONS	10000
#define MAX_SEEDS	32

void __sanitizer_set_death_callback(void (*fn)(void));

static struct { u8 data[FUZZ_MAX]; size_t size; } seeds[MAX_SEEDS];
static u32 nr_seeds;
static u8 input[FUZZ_MAX];
static size_t input_size;
static unsigned long runs;
static u32 rnd_state = 2463534242U;

static u32 rnd(size_t below)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 17;
	rnd_state ^= rnd_state << 5;
	return rnd_state % (u32)below;
}

static void show_input(void)
{
	fprintf(stderr, "# run %lu, %zu bytes:", runs, input_size);
	for (size_t i = 0; i < input_size; i++)
		fprintf(stderr, "%s%02x", i % 32 ? "" : "\n# ", input[i]);
	fprintf(stderr, "\n");
}

/* A failed FUZZ_CHECK. */
static void on_abort(int sig)
{
	(void)sig;
	show_input();
}

static void run(void)
{
	u8 *exact = fuzz_copy(input, input_size);

	LLVMFuzzerTestOneInput(exact, input_size);
	free(exact);
	runs++;
}

static void load(u32 nr, size_t size)
{
	host_memcpy(input, seeds[nr].data, size);
	input_size = size;
}

static void set_number(size_t at)
{
	static const u64 odd[] = {
		0, 1, 2, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xfffffff0,
		0xffffffff, 1ULL << 32, ~0ULL >> 1, ~0ULL << 47, ~0ULL - 8, ~0ULL,
	};
	u64 v = odd[rnd(ARRAY_SIZE(odd))] + rnd(3) - 1;
	size_t len = min((size_t)1 << rnd(4), input_size - at);

	host_memcpy(input + at, &v, len);
}

/* Some bytes of another seed, or of this input, over those at `at`. */
static void splice(size_t at)
{
	u32 from = rnd(nr_seeds);
	size_t start = rnd(seeds[from].size);
	size_t len = min(seeds[from].size - start, input_size - at);

	host_memcpy(input + at, seeds[from].data + start, 1 + rnd(len));
}

static void insert(size_t at)
{
	size_t len = min((size_t)1 + rnd(16), FUZZ_MAX - input_size);

	host_memmove(input + at + len, input + at, input_size - at);
	host_memset(input + at, (int)rnd(256), len);
	input_size += len;
}

static void remove_some(size_t at)
{
	size_t len = min((size_t)1 + rnd(16), input_size - at);

	host_memmove(input + at, input + at + len, input_size - at - len);
	input_size -= len;
}

static void mutate(void)
{
	size_t at;

	if (!input_size)
		return;
	at = rnd(input_size);
	switch (rnd(8)) {
	case 0:
		input[at] ^= (u8)(1U << rnd(8));
		break;
	case 1:
		input[at] = (u8)rnd(256);
		break;
	case 2:
		input[at] = seeds[0].data[rnd(seeds[0].size)];
		break;
	case 3: case 4:
		set_number(rnd(2) ? at : at & ~(size_t)3);
		break;
	case 5:
		splice(at);
		break;
	case 6:
		insert(at);
		break;
	case 7:
		remove_some(at);
		break;
	}
}

static int write_seeds(const char *dir)
{
	char path[512];
	FILE *f;

	for (u32 i = 0; i < nr_seeds; i++) {
		host_snprintf(path, sizeof(path), "%s/seed-%02u", dir, i);
		f = fopen(path, "wb");
		if (!f || fwrite(seeds[i].data, 1, seeds[i].size, f) !=
		    seeds[i].size || fclose(f)) {
			perror(path);
			return 1;
		}
	}
	return 0;
}

static void run_all(void)
{
	for (u32 i = 0; i < nr_seeds; i++) {
		for (size_t cut = 0; cut <= seeds[i].size; cut++) {
			load(i, cut);
			run();
		}
	}
	for (u32 i = 0; i < MUTATIONS; i++) {
		u32 nr = rnd(nr_seeds), n = 1 + rnd(4);

		load(nr, seeds[nr].size);
		while (n--)
			mutate();
		run();
	}
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');

	while (nr_seeds < MAX_SEEDS &&
	       (seeds[nr_seeds].size = fuzz_seed(nr_seeds,
						 seeds[nr_seeds].data)))
		nr_seeds++;
	if (argc == 3 && !strcmp(argv[1], "--seeds"))
		return write_seeds(argv[2]);
	__sanitizer_set_death_callback(show_input);
	signal(SIGABRT, on_abort);
	printf("1..1\n");
	fflush(stdout);
	run_all();
	printf("ok 1 - %s: %lu inputs\n", name ? name + 1 : argv[0], runs);
	return 0;
}
