/* SPDX-License-Identifier: MIT */
/* Conversions between Linux's times and our nanoseconds. */
#ifndef SYS_TIMES_H
#define SYS_TIMES_H

#include "kernel/timer.h"
#include "sys/abi.h"

#define NSEC_PER_SEC	1000000000ULL
#define NSEC_PER_TICK	(NSEC_PER_SEC / HZ_USER)

struct process;

/* Nanoseconds since 1970. */
u64 realtime_ns(void);
/* -EINVAL for negative or denormal times; huge ones are "never". */
s64 timespec_ns(const struct linux_timespec *ts, u64 *ns);
s64 timeval_ns(const struct linux_timeval *tv, u64 *ns);
struct linux_timespec ns_timespec(u64 ns);
struct linux_timeval ns_timeval(u64 ns);
/* Now + ns, or never. */
u64 deadline_in(u64 ns);
/* A relative timespec of the user as a deadline.  -EFAULT, -EINVAL. */
s64 get_timeout(vaddr_t uaddr, u64 *deadline);

#endif
