/* SPDX-License-Identifier: MIT */
/* Text output on a VGA screen of 80 x 25, when it is in text mode. */
#ifndef DRIVERS_VGA_H
#define DRIVERS_VGA_H

#include "lib/types.h"

/* Needs the memory manager.  -ENODEV when there is no text screen. */
int vga_init(void);

#endif
