# SPDX-License-Identifier: MIT
# F6: the cpus first. Stops where the critical step comes next, with the line
# and without it; docs/scenarios/F06.md says what to look at.
source tools/gdb/scenarios/scenario.gdb
scenario-stop F6
frame 1
p d
scenario-stop F6
frame 1
p d
