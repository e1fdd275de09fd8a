/* SPDX-License-Identifier: MIT */
#ifndef SYS_FUTEX_H
#define SYS_FUTEX_H

#include "lib/types.h"

/* As FUTEX_WAKE without FUTEX_PRIVATE_FLAG at an address of current. */
s64 futex_wake_addr(vaddr_t uaddr, u32 nr);

#endif
