/* SPDX-License-Identifier: MIT */
/* Who allocated and who freed each frame.  Lab builds; else nothing. */
#ifndef MM_PAGE_OWNER_H
#define MM_PAGE_OWNER_H

#include "kernel/config.h"
#include "mm/page.h"

/* Boot, once vmalloc works.  Frames taken before it have no record. */
void page_owner_init(void);
/* The block's frames were taken or given back by whoever stands at `frame`. */
void page_owner_note_alloc(struct page *p, u32 order, const void *frame);
void page_owner_note_free(struct page *p, u32 order, const void *frame);
/* Both backtraces of one frame. */
void page_owner_print(const struct page *p);
/* Handle of kernel/stackdepot.h; 0: not known. */
u32 page_owner_alloc_trace(const struct page *p);
u32 page_owner_free_trace(const struct page *p);
/* The head of the block that p was allocated in; NULL: not known. */
struct page *page_owner_block(struct page *p, u32 *order);
/* The frame an argument of a shell command names; NULL, and it was said. */
struct page *shell_frame(const char *arg);
/* "slab", "anonymous", ...: what the frame is now. */
const char *page_kind_name(const struct page *p);

#endif
