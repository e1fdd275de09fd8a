# SPDX-License-Identifier: MIT
# F2: a device comes in the middle. Stops where the critical step comes next, with the line
# and without it; docs/scenarios/F02.md says what to look at.
source tools/gdb/scenarios/scenario.gdb
scenario-stop F2
frame 1
p d
scenario-stop F2
frame 1
p d
