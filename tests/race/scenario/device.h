/* SPDX-License-Identifier: MIT */
/*
 * The device of the scenarios: tests/kt/kt_device.h's, with accesses, with
 * change_pte if it likes, and on either level of notifiers.
 */
#ifndef TESTS_RACE_SCENARIO_DEVICE_H
#define TESTS_RACE_SCENARIO_DEVICE_H

#include "kernel/racepoint.h"
#include "kernel/scenario.h"
#include "mm/mmu_notifier_minimal.h"
#include "tests/kt/kt_device.h"

/*
 * d hears of its mm by the level that was selected.  0 or -Exxx.  From level 0
 * there is no way back: d may go when mm has gone.
 */
int device_attach(struct kt_device *d);
void device_detach(struct kt_device *d);

/* It keeps what it maps where change_pte is promised. */
extern const struct mmu_notifier_ops device_change_ops;

enum device_access {
	DEVICE_FAULTS,		/* it maps nothing */
	DEVICE_DONE,
	DEVICE_STALE,		/* what it maps is free: nothing is touched */
};
enum device_access device_store(const struct kt_device *d, u64 word);
enum device_access device_load(const struct kt_device *d, u64 *word);

#endif
