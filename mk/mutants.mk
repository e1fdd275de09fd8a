# SPDX-License-Identifier: MIT
# Known bugs, put into a copy of the tree one at a time: tests/mutants.

MUTANT_WORKERS ?= 2

.PHONY: mutants mutants-quick
mutants:
	@$(PYTHON) tools/mutants.py -j $(MUTANT_WORKERS)

mutants-quick:
	@$(PYTHON) tools/mutants.py -j $(MUTANT_WORKERS) --quick
