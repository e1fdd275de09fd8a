/* SPDX-License-Identifier: MIT */
/* The serial port COM1 (16550): console output, input by interrupt. */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include "lib/types.h"

/*
 * Before anything else, needs nothing: finds the port, sets 115200 8N1 and
 * registers it as a console.  Without a port nothing happens.
 */
void uart_init_early(void);
bool uart_present(void);

#endif
