# SPDX-License-Identifier: MIT
# F1: told afterwards. Stops where the critical step comes next, with the line
# and without it; docs/scenarios/F01.md says what to look at.
source tools/gdb/scenarios/scenario.gdb
scenario-stop F1
frame 1
p d
scenario-stop F1
frame 1
p d
