/* SPDX-License-Identifier: MIT */
/*
 * memfd_create: a file in memory without a name, and its seals.
 *
 * M1. Seals are only added.  They change under i_rwsem held for writing, and
 *     whoever resizes, writes or maps the file looks at them with i_rwsem held
 *     until it is done; so after F_SEAL_WRITE nothing is on its way in.
 * M2. F_SEAL_WRITE is refused while a shared mapping may become writable:
 *     such mappings are all in i_mmap.
 *
 * Tests: tests/abi/t_memfd
 */
#include "arch/uaccess.h"
#include "kernel/upcall.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "mm/mmap.h"
#include "sys/file.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/syscall.h"

#define MFD_CLOEXEC		1U
#define MFD_ALLOW_SEALING	2U
#define MFD_NOEXEC_SEAL		8U
#define MFD_EXEC		16U
#define MFD_NAME_MAX		249

#define F_SEAL_SEAL		1U
#define F_SEAL_SHRINK		2U
#define F_SEAL_GROW		4U
#define F_SEAL_WRITE		8U
#define F_SEAL_FUTURE_WRITE	16U
#define F_SEALS			31U

int seal_check_resize(const struct inode *inode, u64 size)
{
	u64 old = READ_ONCE(inode->mapping.size);

	if ((size < old && (inode->seals & F_SEAL_SHRINK)) ||
	    (size > old && (inode->seals & F_SEAL_GROW)))
		return -EPERM;
	return 0;
}

int seal_check_write(const struct inode *inode, u64 pos, u64 len)
{
	if (inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if ((inode->seals & F_SEAL_GROW) &&
	    pos + len > READ_ONCE(inode->mapping.size))
		return -EPERM;
	return 0;
}

/* M2. */
static bool mapped_for_writing(struct address_space *m)
{
	struct interval_tree_node *n;
	bool found = false;

	down_read(&m->i_mmap_rwsem);
	interval_tree_for_each(n, &m->i_mmap, 0, U64_MAX) {
		struct vm_area_struct *vma =
			container_of(n, struct vm_area_struct, shared);

		found |= (vma->vm_flags & VM_SHARED) &&
			 (vma->vm_flags & VM_MAYWRITE);
	}
	up_read(&m->i_mmap_rwsem);
	return found;
}

s64 memfd_add_seals(struct file *f, u32 seals)
{
	struct inode *inode = f->inode;
	s64 ret = 0;

	if (!inode || !inode->sealable)
		return -EINVAL;
	if (!file_writable(f))
		return -EPERM;
	if (seals & ~F_SEALS)
		return -EINVAL;
	down_write(&inode->i_rwsem);				/* M1 */
	if (inode->seals & F_SEAL_SEAL)
		ret = -EPERM;
	else if ((seals & F_SEAL_WRITE & ~inode->seals) &&
		 mapped_for_writing(&inode->mapping))
		ret = -EBUSY;
	else
		inode->seals |= seals;
	up_write(&inode->i_rwsem);
	return ret;
}

s64 memfd_get_seals(const struct file *f)
{
	return f->inode && f->inode->sealable ? (s64)f->inode->seals : -EINVAL;
}

s64 memfd_mmap(struct inode *inode, struct mmap_request *rq)
{
	s64 ret = -EPERM;
	bool sealed;

	down_read(&inode->i_rwsem);				/* M1 */
	sealed = (rq->flags & MAP_TYPE) == MAP_SHARED &&
		 (inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
	if (sealed)
		rq->may &= ~VM_MAYWRITE;
	if (!sealed || !(rq->prot & PROT_WRITE))
		ret = do_mmap(cur_proc()->mm, rq);
	up_read(&inode->i_rwsem);
	return ret;
}

/* "memfd:NAME (deleted)" with the user's name; ERR_PTR. */
static char *memfd_path(vaddr_t uname)
{
	const u32 size = MFD_NAME_MAX + 24;
	char *name = kmalloc(MFD_NAME_MAX + 1), *path = kmalloc(size);
	ssize_t len = -ENOMEM;

	if (name && path) {
		len = strncpy_from_user(name, uname, MFD_NAME_MAX + 1);
		if (len == -ENAMETOOLONG || len > MFD_NAME_MAX)
			len = -EINVAL;
	}
	if (len >= 0)
		snprintf(path, size, "/memfd:%s (deleted)", name);
	kfree(name);
	if (len >= 0)
		return path;
	kfree(path);
	return ERR_PTR(len);
}

SYSCALL_FN(memfd_create)
{
	u32 flags = (u32)s->a[1];
	struct inode *inode;
	struct file *f;
	char *path;

	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL |
		      MFD_EXEC))
		return -EINVAL;
	if ((flags & MFD_EXEC) && (flags & MFD_NOEXEC_SEAL))
		return -EINVAL;
	path = memfd_path(s->a[0]);
	if (IS_ERR(path))
		return PTR_ERR(path);
	inode = inode_alloc(S_IFREG |
			    (flags & MFD_NOEXEC_SEAL ? 0666 : 0777), path);
	kfree(path);
	if (!inode)
		return -ENOMEM;
	inode->sealable = true;
	if (!(flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL)))
		inode->seals = F_SEAL_SEAL;
	f = file_alloc(inode, inode->fops, O_RDWR);
	if (!f)
		return -ENOMEM;
	return fd_add(f, flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
}
