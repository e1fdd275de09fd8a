/* SPDX-License-Identifier: MIT */
/*
 * The types of mm/: page, address_space, vm_area_struct, mm_struct.
 * Fields are grouped by what guards them:
 *	I immutable after publish	a atomic	m mmap_lock
 *	p a table lock			r RCU		i mapping->i_pages_lock
 *	v mmap_lock write and the vma marked; read: mmap_lock or vm_lock
 */
#ifndef MM_MM_TYPES_H
#define MM_MM_TYPES_H

#include "lib/types.h"
#include "lib/list.h"
#include "lib/atomic.h"
#include "lib/bitmap.h"
#include "lib/rbtree.h"
#include "lib/interval_tree.h"
#include "lib/radix_tree.h"
#include "lib/errseq.h"
#include "arch/pte.h"
#include "kernel/spinlock.h"
#include "kernel/mutex.h"
#include "kernel/rcu.h"

struct kmem_cache;
struct anon_vma;
struct ksm_slot;
struct mm_struct;
struct mmu_notifier_subscriptions;

/*
 * One per frame, type-stable and writable for ever (S1: a stale speculative
 * getter may touch any of them).  _refcount 0: free, frozen, or a table.
 */
struct page {
	u64 flags;			/* a: PG_* below */
	atomic_t _refcount;
	atomic_t _mapcount;		/* -1: mapped nowhere */
	union {
		struct {		/* anonymous and page-cache pages */
			/* address_space, anon_vma | 1, ksm_node | 3 */
			void *mapping;
			u64 index;	/* page offset in file or anon vma */
			struct list_head lru;
			u64 private;
			u64 tlb_gen;	/* lab: generation owed before free */
		};
		struct {		/* free, in the buddy allocator */
			struct list_head buddy;
			u32 order;
		};
		struct {		/* a page-table page */
			spinlock_t ptl;	/* rank by level */
			u8 pt_level;	/* I: 1..4 */
			u32 pt_nr;	/* p: entries that are not none */
			struct pgtable *pt;	/* I: whose */
			vaddr_t pt_base;	/* I: first address covered */
			struct rcu_head rcu;
		};
		struct {		/* slab */
			struct kmem_cache *cache;
			void *freelist;
			u32 inuse;
			struct list_head slab_link;
		};
	};
};
static_assert(sizeof(struct page) == 64);

enum page_flag {
	PG_locked,
	PG_dirty,
	PG_uptodate,
	PG_referenced,
	PG_anon_exclusive,	/* anonymous: exactly one mapper may write */
	PG_swapbacked,		/* reclaim needs swap; anonymous without: lazyfree */
	PG_swapcache,		/* page lock: in the swap cache, ->private its slot */
	PG_writeback,		/* being written; cleared when that is done */
	PG_lru,			/* lru lock: on one of the lists */
	PG_isolated,		/* lru lock: taken off its list for a while */
	PG_active,		/* lru lock: on (or for) an active list */
	PG_unevictable,		/* lru lock: on (or for) the unevictable list */
	/* what the frame is now; none of them: an ordinary allocated page */
	PG_reserved,		/* never in the allocator */
	PG_buddy,		/* zone lock: free, head of its block */
	PG_pcp,			/* free, on a CPU's list */
	PG_slab,
	PG_table,
	PG_retired,		/* table: detached; walkers restart (R3) */
	PG_zero,		/* the zero page */
	PG_poisoned,		/* free and filled with the pattern (lab) */
	PG_cache,		/* in a page cache (lab) */
	PG_anon,		/* anonymous since it was allocated (lab) */
	/* page-cache pages of files with a device behind them */
	PG_error,		/* its last write failed: not what is on disk */
	PG_readahead,		/* reading it starts the next window */
};
#define PAGE_MAPPING_ANON	1UL
#define PAGE_MAPPING_KSM	3UL		/* anonymous as well */
#define PAGE_MAPPING_FLAGS	3UL

/* What a page cache needs of its owner; the pager interface. */
struct address_space;
struct vm_area_struct;
struct address_space_operations {
	/* Fill the locked page.  Sleeps.  0 or -Exxx; sets nothing itself. */
	int (*read_folio)(struct address_space *mapping, struct page *page);
	/*
	 * The rest of a file that has a device; NULL where memory is all there
	 * is.  All three take pages with consecutive indices.
	 *
	 * Start reading nr locked pages of this file; each ends, at some time,
	 * in page_read_done().  Does not fail; may sleep.
	 */
	void (*readahead)(struct address_space *mapping, struct page **pages,
			  u32 nr);
	/*
	 * Start writing nr pages; each is under write-back and ends in
	 * end_page_writeback().  Does not fail; may sleep for the device, never
	 * for memory.
	 */
	void (*writepages)(struct address_space *mapping, struct page **pages,
			   u32 nr);
	/* What was written is on the medium afterwards.  0 or -Exxx.  Sleeps. */
	int (*sync)(struct address_space *mapping);
	/*
	 * The owner makes the entries of its (shared) mappings itself: no page
	 * cache, no rmap (VM_PFNMAP).  enum fault_result.  Sleeps.
	 */
	int (*fault)(struct vm_area_struct *vma, vaddr_t va, u32 flags);
	/* References on the owner, held by vmas. */
	void (*get)(struct address_space *mapping);
	void (*put)(struct address_space *mapping);
	const char *(*name)(struct address_space *mapping);
};

struct address_space {
	const struct address_space_operations *a_ops;	/* I */
	void *host;					/* I: sys/'s inode */
	spinlock_t i_pages_lock;			/* LOCK_I_PAGES */
	struct radix_tree_root i_pages;			/* i, r for lookups */
	u64 nrpages;					/* i */
	u64 nrswapped;	/* i: slots of i_pages with a swap entry (shmem.h) */
	u64 nrdirty;			/* i, read anywhere: tagged DIRTY */
	u64 size;					/* a: bytes; i_size */
	struct rwsem i_mmap_rwsem;
	struct rb_root i_mmap;				/* i_mmap_rwsem */
	u64 flags;					/* a: AS_* */
	struct list_head all_link;			/* all mappings */
	struct list_head wb_link;	/* those that can be written back */
	errseq_t wb_err;		/* a: failed writes, for fsync */
};
/* Tags of i_pages (radix_tree_tag_set). */
enum page_tag { TAG_DIRTY, TAG_WRITEBACK, TAG_TOWRITE };
#define AS_MM_ALL_LOCKS	0		/* bit: taken by mm_take_all_locks */
#define AS_WRITTEN	1		/* bit: a mapping was; its times are due */
/* I, by its owner, before it has pages */
#define AS_SWAP		2		/* bit: no device; dirty pages go to swap */
#define AS_ORIGIN	3		/* bit: clean ones can be made again */

struct vm_area_struct {
	vaddr_t vm_start, vm_end;	/* v */
	struct rb_node vm_rb;		/* m, r */
	struct mm_struct *vm_mm;	/* I */
	u64 vm_flags;			/* v: VM_* */
	u64 vm_pgoff;			/* v: in pages; anon: vm_start's pfn */
	struct rwsem vm_lock;		/* LOCK_VMA: read, by faults */
	u64 vm_lock_seq;		/* vm_lock write: mm_lock_seq: marked */
	bool vm_detached;		/* v: not in its mm's tree */
	u64 vm_gap, subtree_gap;	/* m: free bytes below; the largest */
	struct address_space *vm_mapping;	/* I: NULL for anonymous */
	struct interval_tree_node shared;	/* i_mmap_rwsem */
	struct list_head anon_vma_chain;	/* m + anon_vma root */
	struct anon_vma *anon_vma;		/* set once under page_table_lock */
	struct rcu_head rcu;			/* vma_free */
};

#define VM_READ		BIT(0)
#define VM_WRITE	BIT(1)
#define VM_EXEC		BIT(2)
#define VM_SHARED	BIT(3)
#define VM_MAYREAD	BIT(4)
#define VM_MAYWRITE	BIT(5)
#define VM_MAYEXEC	BIT(6)
#define VM_GROWSDOWN	BIT(8)
#define VM_STACK	BIT(9)
#define VM_HEAP		BIT(10)
#define VM_LOCKED	BIT(13)		/* mlock: pages stay */
#define VM_LOCKONFAULT	BIT(14)		/* with VM_LOCKED: as they come */
#define VM_DONTCOPY	BIT(15)		/* a child of fork does not have it */
#define VM_WIPEONFORK	BIT(16)		/* a child of fork finds it empty */
#define VM_SEQ_READ	BIT(17)		/* hints, kept only */
#define VM_RAND_READ	BIT(18)
#define VM_MERGEABLE	BIT(19)		/* equal pages may become one (ksm) */
#define VM_PFNMAP	BIT(20)		/* entries are the mapping owner's */
#define VM_SOFTDIRTY	BIT(21)		/* all counts as written: softdirty.c */
#define VM_LOCK_FLAGS	(VM_LOCKED | VM_LOCKONFAULT)

/*
 * A tree of tables: an mm's, the kernel's, or a device's.  pgd is the top
 * table through the direct map; it changes only under root_lock.
 */
struct pgtable {
	pte_t *pgd;			/* READ_ONCE outside root_lock */
	spinlock_t root_lock;		/* mm->page_table_lock */
	u16 rank[PT_LEVELS + 1];	/* I: rank of a table lock by level */
	struct mm_struct *mm;		/* I: NULL for a device's tables */
	atomic64_t nr_tables;		/* all levels */
};

struct mm_struct {
	struct pgtable pgt;
	struct rwsem mmap_lock;
	u64 mm_lock_seq;		/* m: vmas with this number are marked */
	struct rb_root mm_rb;		/* m, r: vmas by address */
	u32 map_count;			/* m */
	vaddr_t mmap_base;		/* I: top of the mmap area, grows down */
	vaddr_t start_brk, brk;		/* m */
	vaddr_t start_stack, arg_start, arg_end; /* I */
	u64 total_vm;			/* m: pages */
	u64 def_flags;			/* m: VM_* of new vmas: MCL_FUTURE */
	/* a: bytes, ~0 for none; whoever owns the mm sets them */
	u64 limit_as, limit_data, limit_locked, limit_stack;
	atomic64_t rss_anon, rss_file;	/* a: present PTEs */
	atomic64_t swap_ents;		/* a: swap PTEs */
	atomic_t mm_users;		/* threads and other users */
	atomic_t mm_count;		/* + 1 for all users; lazy CPUs, notifiers */
	struct cpumask cpumask;		/* a: CPUs that may have it loaded */
	atomic64_t tlb_gen;		/* a: bumped before each flush */
	atomic_t tlb_flush_pending;	/* a: open gathers */
	atomic_t tlb_batch_pending;	/* p: entries cleared by reclaim */
	u32 tlb_batch_flushed;		/* a: its value when last flushed */
	u64 write_protect_seq;		/* m: odd while fork write-protects */
	struct mmu_notifier_subscriptions *notifier_subscriptions; /* r, release */
	u32 notifier_flags;		/* a: MN_*, only set */
	const struct mm_notifier_ops *minimal_ops;	/* a: set once */
	struct srcu_struct notifier_srcu;	/* sections and callbacks */
	struct mutex migrator;		/* one relocation at a time */
	u64 relocations;		/* migrator: tables moved so far */
	struct ksm_slot *ksm_slot;	/* m to set; exit_mmap takes it away */
	struct list_head mm_list;	/* all user mms */
	u32 id;				/* I: for traces */
	u32 oom_state;			/* a: OOM_* */
	struct thread *all_locks_owner;	/* lab: mm_take_all_locks holder */
	struct mm_struct *drop_next;	/* tlb.c: mmdrop put off */
};
enum oom_state {
	OOM_NONE,
	OOM_DYING,		/* chosen: may use the reserve, should end */
	OOM_REAPED,		/* its anonymous memory is gone */
};
extern struct mm_struct init_mm;

#endif
