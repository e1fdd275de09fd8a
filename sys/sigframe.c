/* SPDX-License-Identifier: MIT */
/*
 * Frames of signal handlers, in Linux's layout, and the way back.
 *
 *	high	(the interrupted stack, 128 bytes red zone skipped)
 *		FPU image, 64-aligned, magic numbers in its software bytes
 *		siginfo, ucontext, return address to the restorer
 *	low	new rsp: 16-byte aligned minus 8, as after a call
 *
 * F1. What sigreturn reads may be forged: selectors are always the user's, of
 *     rflags only the arithmetic, DF, TF and AC bits are taken, an FPU image
 *     that XRSTOR would refuse resets the state and kills with SIGSEGV.  A rip
 *     that is no user address faults in user mode, like any jump there.
 *
 * Tests: tests/abi/t_signal
 */
#include "arch/cpu.h"
#include "arch/uaccess.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/string.h"
#include "mm/vmscan.h"
#include "sys/signal.h"
#include "sys/syscall.h"

#define RED_ZONE	128
#define FXSAVE_SIZE	512
/* CF PF AF ZF SF TF DF OF RF AC */
#define RFLAGS_USER	0x50dd5UL

static bool altstack_enabled(const struct uthread *ut)
{
	return !(ut->altstack.flags & SS_DISABLE);
}

bool on_altstack(const struct uthread *ut, u64 sp)
{
	return altstack_enabled(ut) &&
	       !(ut->altstack.flags & SS_AUTODISARM) &&
	       sp > ut->altstack.sp && sp - ut->altstack.sp <= ut->altstack.size;
}

/* rflags' user bits, and IF. */
static u64 sane_rflags(u64 old, u64 new)
{
	return (old & ~RFLAGS_USER) | (new & RFLAGS_USER) | RFLAGS_IF;
}

static void save_regs(struct linux_sigcontext *sc, const struct regs *r)
{
	struct uthread *ut = cur_uthread();

	sc->r8 = r->r8;
	sc->r9 = r->r9;
	sc->r10 = r->r10;
	sc->r11 = r->r11;
	sc->r12 = r->r12;
	sc->r13 = r->r13;
	sc->r14 = r->r14;
	sc->r15 = r->r15;
	sc->rdi = r->rdi;
	sc->rsi = r->rsi;
	sc->rbp = r->rbp;
	sc->rbx = r->rbx;
	sc->rdx = r->rdx;
	sc->rax = r->rax;
	sc->rcx = r->rcx;
	sc->rsp = r->rsp;
	sc->rip = r->rip;
	sc->rflags = r->rflags;
	/* As Linux's: CS has the low bits of the selectors it really uses. */
	sc->cs = USER_CS;
	sc->ss = USER_DS;
	sc->err = ut->trap_err;
	sc->trapno = ut->trap_nr;
	sc->cr2 = ut->trap_addr;
}

static void restore_regs(struct regs *r, const struct linux_sigcontext *sc)
{
	r->r8 = sc->r8;
	r->r9 = sc->r9;
	r->r10 = sc->r10;
	r->r11 = sc->r11;
	r->r12 = sc->r12;
	r->r13 = sc->r13;
	r->r14 = sc->r14;
	r->r15 = sc->r15;
	r->rdi = sc->rdi;
	r->rsi = sc->rsi;
	r->rbp = sc->rbp;
	r->rbx = sc->rbx;
	r->rdx = sc->rdx;
	r->rax = sc->rax;
	r->rcx = sc->rcx;
	r->rsp = sc->rsp;
	r->rip = sc->rip;
	r->rflags = sane_rflags(r->rflags, sc->rflags);		/* F1 */
	r->cs = USER_CS;
	r->ss = USER_DS;
	r->vector = 0;		/* not a call's result: nothing to restart */
}

/* The live state, with the numbers that say what it is.  0 or -EFAULT. */
static int push_fpu(u64 fp)
{
	struct arch_thread *t = &current()->arch;
	u32 size = fpu_area_size(), magic2 = FP_XSTATE_MAGIC2;
	struct linux_fpx_sw sw = { 0 };

	/*
	 * Into the area of the switch: a switch now writes the same there.
	 */
	fpu_area_save(t, t->fpu);
	if (copy_to_user(fp, t->fpu, size))
		return -EFAULT;
	if (cpu_features.xcr0) {
		sw.magic1 = FP_XSTATE_MAGIC1;
		sw.extended_size = size + (u32)sizeof(magic2);
		sw.xfeatures = cpu_features.xcr0;
		sw.xstate_size = size;
		if (put_user_val(fp + size, magic2))
			return -EFAULT;
	}
	return put_user_val(fp + FP_SW_OFFSET, sw);
}

/* The frame's place: fp above it.  0 when the alternate stack is too small. */
static u64 frame_place(const struct regs *r, const struct linux_sigaction *act,
		       u64 *fp)
{
	struct uthread *ut = cur_uthread();
	bool on_alt = on_altstack(ut, r->rsp), entering = false;
	u64 sp = r->rsp - RED_ZONE, frame;

	if ((act->flags & SA_ONSTACK) && altstack_enabled(ut) && !on_alt) {
		sp = ut->altstack.sp + ut->altstack.size;
		entering = true;
	}
	*fp = (sp - fpu_area_size() - sizeof(u32)) & ~63UL;
	frame = ((*fp - sizeof(struct linux_sigframe)) & ~15UL) - 8;
	if ((on_alt || entering) &&
	    (frame < ut->altstack.sp || frame >= sp))
		return 0;
	return frame;
}

int signal_push_frame(struct regs *r, u32 sig, const struct linux_sigaction *act,
		      const struct linux_siginfo *info, u64 mask)
{
	struct uthread *ut = cur_uthread();
	struct linux_sigframe f;
	u64 fp, frame = frame_place(r, act, &fp);

	if (!frame || !(act->flags & SA_RESTORER))
		return -EFAULT;
	memset(&f, 0, sizeof(f));
	f.pretcode = act->restorer;
	f.uc.uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS |
			(cpu_features.xcr0 ? UC_FP_XSTATE : 0);
	f.uc.uc_stack = ut->altstack;
	save_regs(&f.uc.uc_mcontext, r);
	f.uc.uc_mcontext.oldmask = mask;
	f.uc.uc_mcontext.fpstate = fp;
	f.uc.uc_sigmask = mask;
	f.info = *info;
	if (push_fpu(fp) || put_user_val(frame, f))
		return -EFAULT;
	/* commit */
	if (ut->altstack.flags & SS_AUTODISARM)
		ut->altstack = (struct linux_stack){ .flags = SS_DISABLE };
	r->rdi = sig;
	r->rsi = frame + offsetof(struct linux_sigframe, info);
	r->rdx = frame + offsetof(struct linux_sigframe, uc);
	r->rax = 0;
	r->rsp = frame;
	r->rip = act->handler;
	r->rflags &= ~(RFLAGS_DF | RFLAGS_TF);
	r->cs = USER_CS;
	r->ss = USER_DS;
	return 0;
}

/* The image a frame points to into the FPU.  0, -EFAULT, -EINVAL, -ENOMEM. */
static int restore_fpu(u64 fp, u64 uc_flags)
{
	u32 size = fpu_area_size();
	struct linux_fpx_sw sw;
	u32 attempt = 0;
	int err = -EFAULT;
	u8 *area;

	do
		area = kzalloc(size);
	while (!area && reclaim_for_retry(attempt++));
	if (!area)
		return -ENOMEM;
	if (copy_from_user(area, fp, FXSAVE_SIZE))
		goto out;
	memcpy(&sw, area + FP_SW_OFFSET, sizeof(sw));
	if (size > FXSAVE_SIZE) {
		if ((uc_flags & UC_FP_XSTATE) &&
		    sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size == size) {
			if (copy_from_user(area + FXSAVE_SIZE,
					   fp + FXSAVE_SIZE,
					   size - FXSAVE_SIZE))
				goto out;
		} else {
			area[FXSAVE_SIZE] = 3;	/* XSTATE_BV: x87 and SSE */
		}
	}
	err = fpu_area_load(&current()->arch, area);
out:
	kfree(area);
	return err;
}

SYSCALL_NOARG(rt_sigreturn)
{
	struct uthread *ut = cur_uthread();
	struct regs *r = s->regs;
	struct linux_ucontext uc;
	u32 sig = SIGSEGV;
	int err;

	/* The return address was popped: rsp points to the ucontext. */
	if (get_user_val(uc, r->rsp))
		goto bad;
	set_blocked(uc.uc_sigmask);
	restore_regs(r, &uc.uc_mcontext);
	err = uc.uc_mcontext.fpstate ?
	      restore_fpu(uc.uc_mcontext.fpstate, uc.uc_flags) : 0;
	if (err == -ENOMEM)
		sig = SIGKILL;		/* no handler could return either */
	if (err)
		goto bad;
	ut->altstack = uc.uc_stack;
	if (ut->altstack.flags & ~(SS_AUTODISARM | SS_DISABLE))
		ut->altstack = (struct linux_stack){ .flags = SS_DISABLE };
	return (s64)r->rax;
bad:
	force_signal(&(struct linux_siginfo){ .signo = (s32)sig,
					      .code = SI_KERNEL });
	return 0;
}
