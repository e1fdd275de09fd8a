# SPDX-License-Identifier: MIT
# F4: told after the lock was dropped. Stops where the critical step comes next, with the line
# and without it; docs/scenarios/F04.md says what to look at.
source tools/gdb/scenarios/scenario.gdb
scenario-stop F4
frame 1
p d
scenario-stop F4
frame 1
p d
