# SPDX-License-Identifier: MIT
# `make soak`: what takes too long for `make test`. Other files under mk/ add
# their targets: SOAK += NAME. All run, and then it fails if one did.

SOAK :=

.PHONY: soak
soak:
	+@rc=0; for goal in $(SOAK); do \
		echo "== soak: $$goal"; \
		$(MAKE) --no-print-directory $$goal || { \
			rc=1; failed="$$failed $$goal"; }; \
	done; \
	if [ $$rc = 0 ]; then echo "soak: all good:" $(SOAK); \
	else echo "soak: FAILED:$$failed"; fi; exit $$rc
