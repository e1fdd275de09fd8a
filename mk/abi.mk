# SPDX-License-Identifier: MIT
# Somebody else's programs, here and on the host's Linux: tools/abi.py.
#   make abi DIR=FOLDER       any static programs; ABI_FLAGS='--limit 30'
#   make posix                Debian's posixtestsuite (wants the network, once)

POSIX := $(O)/posix
ABI = $(PYTHON) tools/abi.py --kernel $(KERNEL) --runner $(O)/user/abirun

.PHONY: abi posix
abi: $(KERNEL) $(O)/user/abirun
	@test -n "$(DIR)" || { echo "make abi DIR=FOLDER: which programs?" >&2; \
		exit 1; }
	@$(ABI) --work $(O)/abi $(ABI_FLAGS) $(DIR)

posix: $(KERNEL) $(O)/user/abirun
	@sh tools/posix.sh $(POSIX) $(firstword $(USER_CC))
	@$(ABI) --work $(POSIX)/run --pass-only posix \
		--known tests/posix-known.txt $(ABI_FLAGS) $(POSIX)/bin
