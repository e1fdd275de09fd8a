/* SPDX-License-Identifier: MIT */
/*
 * The VGA text console, and the console= parameter.
 *
 * V1  Screen memory is written only: scrolling copies in shadow[], since reads
 *     of device memory are slow.
 * V2  It is a console only with console=vga, beside the serial port, or when
 *     there is no serial port; output only.
 *
 * Locks: none of its own; printk serialises writers.
 */
#include "drivers/vga.h"
#include "arch/io.h"
#include "arch/upcall.h"
#include "drivers/uart.h"
#include "kernel/cmdline.h"
#include "kernel/init.h"
#include "kernel/printk.h"
#include "lib/compiler.h"
#include "lib/err.h"
#include "lib/string.h"

#define COLS		80
#define ROWS		25
#define TEXT_MEMORY	0xb8000
#define ATTRIBUTE	0x0700		/* grey on black */
#define TAB		8

#define GC_INDEX	0x3ce
#define GC_DATA		0x3cf
#define GC_MISC		6
#define MISC_GRAPHICS	BIT(0)
#define MISC_MAP	0x0c		/* both set: 0xb8000 */
#define CRTC_INDEX	0x3d4
#define CRTC_DATA	0x3d5
#define CRTC_CURSOR	0x0e

static u16 shadow[ROWS][COLS];
static volatile u16 *screen;
static u32 row, col;
static bool wanted;

static void draw_row(u32 r)
{
	for (u32 c = 0; c < COLS; c++)
		screen[r * COLS + c] = shadow[r][c];
}

static void clear_row(u32 r)
{
	for (u32 c = 0; c < COLS; c++)
		shadow[r][c] = ATTRIBUTE | ' ';
}

static void new_line(void)
{
	col = 0;
	if (++row < ROWS)
		return;
	row = ROWS - 1;
	memmove(shadow[0], shadow[1], sizeof(shadow) - sizeof(shadow[0]));
	clear_row(row);
	for (u32 r = 0; r < ROWS; r++)
		draw_row(r);
}

static void put_char(char ch)
{
	switch (ch) {
	case '\n':
		new_line();
		return;
	case '\r':
		col = 0;
		return;
	case '\b':
		col -= col > 0;
		return;
	case '\t':
		col = ALIGN(col + 1, TAB);
		break;
	default:
		if ((u8)ch < ' ')
			return;
		shadow[row][col] = (u16)(ATTRIBUTE | (u8)ch);
		screen[row * COLS + col] = shadow[row][col];
		col++;
	}
	if (col >= COLS)
		new_line();
}

static void vga_write(struct console *c, const char *s, size_t len)
{
	u32 pos;

	(void)c;
	for (size_t i = 0; i < len; i++)
		put_char(s[i]);
	pos = row * COLS + col;
	outb(CRTC_INDEX, CRTC_CURSOR);
	outb(CRTC_DATA, (u8)(pos >> 8));
	outb(CRTC_INDEX, CRTC_CURSOR + 1);
	outb(CRTC_DATA, (u8)pos);
}

static struct console vga_console = { .name = "vga", .write = vga_write };

int vga_init(void)
{
	u8 misc;

	if (screen)
		return 0;
	outb(GC_INDEX, GC_MISC);
	misc = inb(GC_DATA);
	if (misc & MISC_GRAPHICS || (misc & MISC_MAP) != MISC_MAP)
		return -ENODEV;
	screen = upcall_ioremap(TEXT_MEMORY, sizeof(shadow));
	if (!screen)
		return -ENOMEM;
	for (u32 r = 0; r < ROWS; r++) {
		clear_row(r);
		draw_row(r);
	}
	console_register(&vga_console);
	return 0;
}

/* The command line is read before there is a memory manager: V2 waits. */
static int vga_initcall(void)
{
	int ret;

	if (!wanted && uart_present())
		return 0;
	ret = vga_init();
	if (ret)
		pr_warn("vga: no text screen: the console stays on ttyS0\n");
	return 0;
}
INITCALL_LEVEL(0, vga_initcall);

static int param_console(const char *value)
{
	if (!value)
		return -EINVAL;
	if (!strncmp(value, "ttyS0", 5) && (!value[5] || value[5] == ','))
		return 0;
	if (strcmp(value, "vga") && strcmp(value, "tty0"))
		return -EINVAL;
	wanted = true;
	return 0;
}
PARAM(console, param_console, "ttyS0 (default), or vga: the screen as well");
