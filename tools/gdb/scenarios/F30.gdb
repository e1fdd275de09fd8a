# SPDX-License-Identifier: MIT
# F30: An IOMMU with a stale walk cache. Stops where the critical step comes next, with the line
# and without it; docs/scenarios/F30.md says what to look at.
source tools/gdb/scenarios/scenario.gdb
scenario-stop F30
frame 1
p k
scenario-stop F30
frame 1
p k
