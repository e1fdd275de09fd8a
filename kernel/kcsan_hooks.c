/* SPDX-License-Identifier: MIT */
/*
 * What gcc calls with -fsanitize=thread, before each access it does not make
 * itself a register's; and in place of each __atomic operation, which is why
 * these are made here. Part of the image with KCSAN=1 only.
 *
 * The names and prototypes are the compiler's ABI (libtsan's).
 */
#include "kernel/kcsan.h"

#define HOOK(ret, name, ...)						\
	ret __tsan_##name(__VA_ARGS__);					\
	ret __tsan_##name(__VA_ARGS__)

#define ACCESS(name, size, type)					\
	HOOK(void, name, void *p)					\
	{								\
		kcsan_access((u64)p, size, type);			\
	}

#define ACCESSES(n)							\
	ACCESS(read##n, n, KCSAN_READ)					\
	ACCESS(write##n, n, KCSAN_WRITE)				\
	ACCESS(unaligned_read##n, n, KCSAN_READ)			\
	ACCESS(unaligned_write##n, n, KCSAN_WRITE)			\
	ACCESS(volatile_read##n, n, KCSAN_MARKED)			\
	ACCESS(volatile_write##n, n, KCSAN_MARKED | KCSAN_WRITE)	\
	ACCESS(unaligned_volatile_read##n, n, KCSAN_MARKED)		\
	ACCESS(unaligned_volatile_write##n, n, KCSAN_MARKED | KCSAN_WRITE)

ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

HOOK(void, read_range, void *p, u64 n)
{
	kcsan_access((u64)p, n, KCSAN_READ);
}

HOOK(void, write_range, void *p, u64 n)
{
	kcsan_access((u64)p, n, KCSAN_WRITE);
}

/* A constructor of each file calls it; nobody calls the constructors. */
HOOK(void, init, void)
{
}

/* Orders: what the CPU cannot give for less is given in full. */
#define RMW(bits, type, name, op)					\
	HOOK(type, atomic##bits##_##name, volatile void *p, type v, int order) \
	{								\
		(void)order;						\
		kcsan_access((u64)p, sizeof(type),			\
			     KCSAN_MARKED | KCSAN_WRITE);		\
		return op((volatile type *)p, v, __ATOMIC_SEQ_CST);	\
	}

#define CAS(bits, type, name)						\
	HOOK(bool, atomic##bits##_compare_exchange_##name,		\
	     volatile void *p, void *old, type v, int order, int failed) \
	{								\
		(void)order;						\
		(void)failed;						\
		kcsan_access((u64)p, sizeof(type),			\
			     KCSAN_MARKED | KCSAN_WRITE);		\
		return __atomic_compare_exchange_n((volatile type *)p,	\
						   (type *)old, v, false, \
						   __ATOMIC_SEQ_CST,	\
						   __ATOMIC_SEQ_CST);	\
	}

#define ATOMICS(bits, type)						\
	HOOK(type, atomic##bits##_load, const volatile void *p, int order) \
	{								\
		(void)order;						\
		kcsan_access((u64)p, sizeof(type), KCSAN_MARKED);	\
		return __atomic_load_n((const volatile type *)p,	\
				       __ATOMIC_SEQ_CST);		\
	}								\
	HOOK(void, atomic##bits##_store, volatile void *p, type v, int order) \
	{								\
		kcsan_access((u64)p, sizeof(type),			\
			     KCSAN_MARKED | KCSAN_WRITE);		\
		if (order == __ATOMIC_SEQ_CST)				\
			__atomic_store_n((volatile type *)p, v,		\
					 __ATOMIC_SEQ_CST);		\
		else							\
			__atomic_store_n((volatile type *)p, v,		\
					 __ATOMIC_RELEASE);		\
	}								\
	RMW(bits, type, exchange, __atomic_exchange_n)			\
	RMW(bits, type, fetch_add, __atomic_fetch_add)			\
	RMW(bits, type, fetch_sub, __atomic_fetch_sub)			\
	RMW(bits, type, fetch_and, __atomic_fetch_and)			\
	RMW(bits, type, fetch_or, __atomic_fetch_or)			\
	RMW(bits, type, fetch_xor, __atomic_fetch_xor)			\
	CAS(bits, type, strong)						\
	CAS(bits, type, weak)

ATOMICS(8, u8)
ATOMICS(16, u16)
ATOMICS(32, u32)
ATOMICS(64, u64)

HOOK(void, atomic_thread_fence, int order)
{
	if (order == __ATOMIC_SEQ_CST)
		smp_mb();
	else
		barrier();
}

HOOK(void, atomic_signal_fence, int order)
{
	(void)order;
	barrier();
}
