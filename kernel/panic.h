/* SPDX-License-Identifier: MIT */
/* Panic, assertions, backtraces, symbols. */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include "lib/compiler.h"
#include "lib/types.h"
#include "arch/trap.h"

/*
 * Stops the other CPUs by NMI, prints message, registers and a symbolised
 * backtrace, the last trace events, then halts in the panic shell or, when
 * `panic=exit`/tests are running, ends QEMU with the failing status.
 */
_Noreturn void panic(const char *fmt, ...) __printf(1, 2);
/* The same for a trap: r is what is shown and traced back. */
_Noreturn void panic_regs(const struct regs *r, const char *fmt, ...)
	__printf(2, 3);
bool panic_in_progress(void);
/* A debugger stub may take #BP and #DB; true when it did. */
extern bool (*debug_trap_hook)(struct regs *r);
/* From an NMI nobody asked for; true when it did.  For `crash nmi`. */
extern bool (*nmi_hook)(struct regs *r);
void dump_stack(void);
void show_regs(const struct regs *r);
void backtrace_from(u64 rip, u64 rbp, u64 rsp);
/*
 * The return addresses from the frame at rbp on, at most max of them; where
 * the way leads through a trap, BACKTRACE_TRAP and the interrupted address.
 * Returns their number.  Any context.
 */
#define BACKTRACE_TRAP	1UL
u32 backtrace_save(u64 *pcs, u32 max, u64 rbp);
void backtrace_print(const u64 *pcs, u32 nr);
/* Of a thread that does not run: rsp is what the switch saved. */
void backtrace_switched(u64 rsp);
/* "name+0x12" into buf. */
const char *ksym_format(u64 addr, char *buf, size_t len);
/* Address of a symbol, 0 if unknown. */
u64 ksym_lookup(const char *name);

#define BUG()		panic("BUG at %s:%d", __FILE__, __LINE__)
#define BUG_ON(c)	do { if (unlikely(c)) panic("BUG at %s:%d: %s", \
				__FILE__, __LINE__, #c); } while (0)
/* Our own invariants.  Lab builds check; release builds compile it only. */
#define KASSERT(c)	do { if (CONFIG_LAB && unlikely(!(c)))		\
				panic("assertion failed at %s:%d: %s",	\
				      __FILE__, __LINE__, #c); } while (0)
#define WARN_ON_ONCE(c)	({						\
	static bool __warned;						\
	bool __c = !!(c);						\
	if (unlikely(__c) && !__warned) {				\
		__warned = true;					\
		warn_at(__FILE__, __LINE__, #c);			\
	}								\
	__c; })
void warn_at(const char *file, int line, const char *what);
void warn_add(void);			/* a warning was printed by the caller */
u64 warn_count(void);			/* tests fail when it grows */

#include "kernel/config.h"
#endif
