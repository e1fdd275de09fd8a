/* SPDX-License-Identifier: MIT */
/*
 * 16550 UART at COM1.
 *
 * Output is polled and works from the first line of the kernel to the last of
 * a panic.  Input comes by interrupt (ISA IRQ 4), or by a timer where there is
 * no I/O APIC; in a panic it is polled.
 *
 * U1  Every wait is bounded: a port that stops taking bytes loses output, it
 *     never hangs the kernel.
 * U2  A port is used only when it passes the loopback test: reads of an absent
 *     one give 0xff, which looks like a port that is always ready.
 *
 * Locks: none of its own.  Writers are serialised by printk; in a panic the
 * last CPU writes alone.
 * Tests: every boot, and the shell tests, which type through it.
 */
#include "drivers/uart.h"
#include "arch/cpu.h"
#include "arch/io.h"
#include "arch/trap.h"
#include "kernel/dev.h"
#include "kernel/init.h"
#include "kernel/printk.h"
#include "kernel/timer.h"
#include "lib/err.h"

#define COM1		0x3f8
#define COM1_IRQ	4
#define CLOCK		115200
#define BAUD		115200

#define REG_DATA	(COM1 + 0)
#define REG_IER		(COM1 + 1)
#define REG_FCR		(COM1 + 2)
#define REG_LCR		(COM1 + 3)
#define REG_MCR		(COM1 + 4)
#define REG_LSR		(COM1 + 5)

#define IER_RX		BIT(0)
#define FCR_ENABLE	0x07		/* both FIFOs cleared, trigger at 1 */
#define LCR_8N1		0x03
#define LCR_DLAB	0x80
#define MCR_NORMAL	0x0b		/* DTR, RTS, OUT2: interrupts pass */
#define MCR_LOOPBACK	0x1e
#define LSR_DATA	BIT(0)
#define LSR_TX_EMPTY	BIT(5)

#define TX_FIFO		16
#define TX_POLLS	100000
#define RX_BURST	256
#define POLL_NS		10000000ULL

static bool present;
static struct timer poll_timer;

/* U1 */
static bool wait_tx(void)
{
	for (int i = 0; i < TX_POLLS; i++) {
		if (inb(REG_LSR) & LSR_TX_EMPTY)
			return true;
		cpu_relax();
	}
	return false;
}

/* An empty FIFO takes TX_FIFO bytes without another look. */
static void uart_write(struct console *c, const char *s, size_t len)
{
	u32 room = 0;

	(void)c;
	for (size_t i = 0; i < len; i++) {
		if (room < 2) {
			if (!wait_tx())
				return;
			room = TX_FIFO;
		}
		if (s[i] == '\n') {
			outb(REG_DATA, '\r');
			room--;
		}
		outb(REG_DATA, (u8)s[i]);
		room--;
	}
}

static int uart_poll(struct console *c)
{
	(void)c;
	return inb(REG_LSR) & LSR_DATA ? inb(REG_DATA) : -EAGAIN;
}

static struct console uart_console = {
	.name = "ttyS0",
	.write = uart_write,
	.poll = uart_poll,
};

/* U2 */
static bool loopback_works(void)
{
	static const u8 probe[] = { 0xae, 0x51 };

	outb(REG_MCR, MCR_LOOPBACK);
	for (u32 i = 0; i < sizeof(probe); i++) {
		outb(REG_DATA, probe[i]);
		for (int n = 0; n < 1000 && !(inb(REG_LSR) & LSR_DATA); n++)
			cpu_relax();
		if (inb(REG_DATA) != probe[i])
			return false;
	}
	return true;
}

void uart_init_early(void)
{
	u16 divisor = CLOCK / BAUD;

	outb(REG_IER, 0);
	outb(REG_LCR, LCR_DLAB);
	outb(REG_DATA, (u8)divisor);
	outb(REG_IER, (u8)(divisor >> 8));
	outb(REG_LCR, LCR_8N1);
	outb(REG_FCR, FCR_ENABLE);
	if (inb(REG_LSR) == 0xff || !loopback_works())
		return;
	outb(REG_FCR, FCR_ENABLE);
	outb(REG_MCR, MCR_NORMAL);
	present = true;
	console_register(&uart_console);
}

bool uart_present(void)
{
	return present;
}

static void uart_receive(void *arg)
{
	(void)arg;
	for (int i = 0; i < RX_BURST && inb(REG_LSR) & LSR_DATA; i++)
		console_input(inb(REG_DATA));
}

static void uart_tick(void *arg)
{
	uart_receive(arg);
	timer_start(&poll_timer, ktime_get() + POLL_NS, uart_tick, NULL);
}

static int uart_init(void)
{
	if (!present)
		return 0;
	if (irq_register(isa_irq_to_gsi(COM1_IRQ), uart_receive, NULL)) {
		pr_warn("uart: no interrupt: input is polled\n");
		uart_tick(NULL);
		return 0;
	}
	outb(REG_IER, IER_RX);
	return 0;
}
INITCALL(uart_init);
