/* SPDX-License-Identifier: MIT */
/*
 * Backtraces along the frame pointers, through traps and interrupts.
 *
 * Every function of ours keeps a frame: [rbp] is the caller's rbp, [rbp + 8]
 * the return address.  entry.S calls trap_dispatch() and trap_paranoid() with
 * %rsp at the saved struct regs: a frame that returns into entry_common or
 * entry_paranoid has them right above it, and the trace goes on with the
 * interrupted code.
 *
 * An interrupted function may have no frame: before `push %rbp`, before
 * `mov %rsp, %rbp`, at `ret`.  Then its return address is at the top of the
 * stack, or below the pushed %rbp; without it the trace would leave out the
 * caller.
 *
 * Nothing is trusted: each word is read by copy_nofault(), the trace ends at
 * a frame that cannot be, and after MAX_FRAMES.
 */
#include "arch/layout.h"
#include "arch/uaccess.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "lib/string.h"

#define MAX_FRAMES	40

struct frame { u64 rbp, ret; };

static bool is_trap_entry(u64 ret)
{
	char name[64];

	ksym_format(ret, name, sizeof(name));
	return !strncmp(name, "entry_common+", 13) ||
	       !strncmp(name, "entry_paranoid+", 15);
}

static void print_line(u64 rip, u64 at)
{
	char name[96];

	/* A return address may belong to what follows a noreturn call. */
	ksym_format(rip - (at ? 1 : 0), name, sizeof(name));
	kprintf("  %016llx  %s\n", rip, name);
}

/* The return address where the function at rip has no frame; 0: it has one. */
static u64 frameless_return(u64 rip, u64 rsp)
{
	u8 code[3];
	u64 ret;

	if (copy_nofault(code, (void *)rip, sizeof(code)))
		return 0;
	if (code[0] == 0x48 && code[1] == 0x89 && code[2] == 0xe5)
		rsp += 8;			/* mov %rsp, %rbp */
	else if (code[0] != 0x55 && code[0] != 0xc3)
		return 0;
	return copy_nofault(&ret, (void *)rsp, sizeof(ret)) ? 0 : ret;
}

static void print_interrupted(u64 rip, u64 rsp)
{
	u64 ret = frameless_return(rip, rsp);

	print_line(rip, 0);
	if (ret)
		print_line(ret, 1);
}

/* Over the trap whose frame is at rbp.  False: it came from user mode. */
static bool cross_trap(u64 *rip, u64 *rbp)
{
	struct regs r;

	if (copy_nofault(&r, (void *)(*rbp + sizeof(struct frame)), sizeof(r)))
		return false;
	kprintf("  --- %s, rip %016llx ---\n", trap_name(r.vector), r.rip);
	if (user_mode(&r))
		return false;
	*rip = r.rip;
	*rbp = r.rbp;
	print_interrupted(r.rip, r.rsp);
	return true;
}

void backtrace_from(u64 rip, u64 rbp, u64 rsp)
{
	struct frame f;

	kprintf("backtrace:\n");
	if (rip)
		print_interrupted(rip, rsp);
	for (int i = 0; i < MAX_FRAMES; i++) {
		if (rbp < PAGE_OFFSET || rbp % 8 ||
		    copy_nofault(&f, (void *)rbp, sizeof(f)) || !f.ret)
			return;
		if (is_trap_entry(f.ret)) {
			if (!cross_trap(&rip, &rbp))
				return;
			continue;
		}
		print_line(f.ret, rbp);
		rbp = f.rbp;
	}
	kprintf("  ...\n");
}

/* The registers a trap saved above the frame at rbp. */
static bool trap_regs(struct regs *r, u64 rbp)
{
	return !copy_nofault(r, (void *)(rbp + sizeof(struct frame)),
			     sizeof(*r)) && !user_mode(r);
}

u32 backtrace_save(u64 *pcs, u32 max, u64 rbp)
{
	struct frame f;
	struct regs r;
	u32 n = 0;

	while (n < max) {
		if (rbp < PAGE_OFFSET || rbp % 8 ||
		    copy_nofault(&f, (void *)rbp, sizeof(f)) || !f.ret)
			break;
		if (!is_trap_entry(f.ret)) {
			pcs[n++] = f.ret;
			rbp = f.rbp;
			continue;
		}
		if (!trap_regs(&r, rbp) || n + 2 > max)
			break;
		pcs[n++] = BACKTRACE_TRAP;
		pcs[n++] = r.rip;
		rbp = r.rbp;
	}
	return n;
}

void backtrace_print(const u64 *pcs, u32 nr)
{
	u64 at = 1;		/* a return address, not an interrupted one */

	for (u32 i = 0; i < nr; i++) {
		if (pcs[i] == BACKTRACE_TRAP)
			kprintf("  --- trap ---\n");
		else
			print_line(pcs[i], at);
		at = pcs[i] != BACKTRACE_TRAP;
	}
}

/* switch_stacks() has pushed rbp first, below the return address. */
void backtrace_switched(u64 rsp)
{
	u64 frame[7];

	if (copy_nofault(frame, (void *)rsp, sizeof(frame)))
		kprintf("backtrace: no stack at %llx\n", rsp);
	else
		backtrace_from(frame[6], frame[5], rsp);
}

void dump_stack(void)
{
	backtrace_from(0, (u64)__builtin_frame_address(0), 0);
}

void show_regs(const struct regs *r)
{
	char name[96];

	kprintf("rip %04llx:%016llx (%s)\n", r->cs, r->rip,
		user_mode(r) ? "user" : ksym_format(r->rip, name, sizeof(name)));
	kprintf("rsp %04llx:%016llx rflags %08llx vector %llu error %llx\n",
		r->ss, r->rsp, r->rflags, r->vector, r->error);
	kprintf("rax %016llx rbx %016llx rcx %016llx rdx %016llx\n",
		r->rax, r->rbx, r->rcx, r->rdx);
	kprintf("rsi %016llx rdi %016llx rbp %016llx\n",
		r->rsi, r->rdi, r->rbp);
	kprintf("r8  %016llx r9  %016llx r10 %016llx r11 %016llx\n",
		r->r8, r->r9, r->r10, r->r11);
	kprintf("r12 %016llx r13 %016llx r14 %016llx r15 %016llx\n",
		r->r12, r->r13, r->r14, r->r15);
}
