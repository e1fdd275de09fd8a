# SPDX-License-Identifier: MIT
# The Promela models in tests/models, checked with spin: docs/models.md.

.PHONY: models
models: | $(O)/.rewalk-build
	@HOSTCC="$(HOSTCC)" $(PYTHON) tools/models.py
