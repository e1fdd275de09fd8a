/* SPDX-License-Identifier: MIT */
/*
 * x87, SSE and AVX state of programs.  The kernel is compiled without any of
 * it, so the registers are the running program's from the moment its thread
 * is switched in; they are saved and loaded at the switch, eagerly.
 *
 * X1  The extended part of an XSAVE area has a valid header: XSTATE_BV within
 *     XCR0, all else zero.  fpu_area_init() and fpu_area_save() make it so,
 *     fpu_area_load() checks it, XSAVE keeps it.
 */
#include "arch/cpu.h"
#include "arch/internal.h"
#include "lib/err.h"
#include "lib/string.h"

#define FCW_INIT	0x037f
#define MXCSR_INIT	0x1f80

struct fxsave {
	u16 fcw, fsw;
	u8 ftw, reserved;
	u16 fop;
	u64 rip, rdp;
	u32 mxcsr, mxcsr_mask;
	u8 regs[512 - 32];
} __packed;

struct xsave_area {
	struct fxsave legacy;
	u64 xstate_bv, xcomp_bv, zero[6];
} __packed;

static_assert(sizeof(struct fxsave) == 512);
static_assert(sizeof(struct xsave_area) == 576);

static u32 mxcsr_mask;
/* The initial state, for reset; big enough for AVX. */
static u8 init_area[1024] __aligned(64);

u32 fpu_area_size(void)
{
	return cpu_features.xsave_size;
}

void fpu_area_init(void *area)
{
	struct fxsave *fx = area;

	memset(area, 0, cpu_features.xsave_size);
	fx->fcw = FCW_INIT;
	fx->mxcsr = MXCSR_INIT;
}

void fpu_save(void *area)
{
	u64 mask = cpu_features.xcr0;

	if (mask)
		asm volatile("xsave64 (%0)" :: "r"(area), "a"((u32)mask),
			     "d"((u32)(mask >> 32)) : "memory");
	else
		asm volatile("fxsave64 (%0)" :: "r"(area) : "memory");
}

/* The area is one that fpu_save() or fpu_area_init() wrote. */
void fpu_restore(const void *area)
{
	u64 mask = cpu_features.xcr0;

	if (mask)
		asm volatile("xrstor64 (%0)" :: "r"(area), "a"((u32)mask),
			     "d"((u32)(mask >> 32)) : "memory");
	else
		asm volatile("fxrstor64 (%0)" :: "r"(area) : "memory");
}

void fpu_area_save(struct arch_thread *cur, void *area)
{
	struct xsave_area *x = area;

	if (!cur->fpu)
		return;
	if (cpu_features.xcr0)		/* X1: XSAVE writes XSTATE_BV only */
		memset(&x->xstate_bv, 0, sizeof(*x) - sizeof(x->legacy));
	fpu_save(area);
}

static bool header_ok(const struct xsave_area *x)
{
	if (x->xstate_bv & ~cpu_features.xcr0 || x->xcomp_bv)
		return false;
	for (u32 i = 0; i < ARRAY_SIZE(x->zero); i++) {
		if (x->zero[i])
			return false;
	}
	return true;
}

int fpu_area_load(struct arch_thread *cur, const void *area)
{
	struct xsave_area *x = cur->fpu;
	u64 flags;
	int ret = -EINVAL;

	if (!x)
		return -EINVAL;
	/* A switch between the copy and the load would undo the copy. */
	flags = local_irq_save();
	memcpy(x, area, cpu_features.xsave_size);
	if (x->legacy.mxcsr & ~mxcsr_mask)
		goto out;
	if (!cpu_features.xcr0)
		ret = raw_fxrstor(x) ? -EINVAL : 0;
	else if (header_ok(x))
		ret = raw_xrstor(x, cpu_features.xcr0) ? -EINVAL : 0;
out:
	if (ret) {
		fpu_area_init(x);
		fpu_restore(x);
	}
	local_irq_restore(flags);
	return ret;
}

/* IRQs off: the live state becomes the initial one. */
static void fpu_reset(void)
{
	fpu_restore(init_area);
}

void fpu_init_cpu(void)
{
	struct fxsave *fx = (struct fxsave *)init_area;

	if (!mxcsr_mask) {
		/* What FXSAVE says the CPU has [SDM 1 11.6.6]. */
		asm volatile("fxsave64 (%0)" :: "r"(init_area) : "memory");
		mxcsr_mask = fx->mxcsr_mask ? fx->mxcsr_mask : 0xffbf;
		if (cpu_features.xsave_size > sizeof(init_area)) {
			cpu_features.xcr0 = 0;	/* cannot be: x87, SSE, AVX */
			cpu_features.xsave_size = sizeof(*fx);
		}
		fpu_area_init(init_area);
	}
	fpu_reset();
}

void arch_thread_reset_user(struct arch_thread *cur)
{
	u64 flags = local_irq_save();

	if (cur->fpu) {
		fpu_area_init(cur->fpu);
		fpu_reset();
	}
	arch_set_fs_base(cur, 0);
	arch_set_gs_base(cur, 0);
	local_irq_restore(flags);
}

/* Unmasked exceptions, in the order in which the CPU reports them. */
int fpu_trap_code(u64 vector)
{
	enum {
		FPE_FLTDIV = 3, FPE_FLTOVF, FPE_FLTUND, FPE_FLTRES, FPE_FLTINV,
	};
	u32 mxcsr, raised;
	u16 fsw, fcw;

	if (vector == TRAP_XF) {
		asm volatile("stmxcsr %0" : "=m"(mxcsr));
		raised = mxcsr & ~(mxcsr >> 7);
	} else {
		asm volatile("fnstsw %0" : "=m"(fsw));
		asm volatile("fnstcw %0" : "=m"(fcw));
		raised = (u32)fsw & ~(u32)fcw;
	}
	if (raised & BIT(0))
		return FPE_FLTINV;
	if (raised & BIT(2))
		return FPE_FLTDIV;
	if (raised & BIT(3))
		return FPE_FLTOVF;
	if (raised & (BIT(1) | BIT(4)))
		return FPE_FLTUND;
	return raised & BIT(5) ? FPE_FLTRES : 0;
}
