# SPDX-License-Identifier: MIT
# F29: a number that comes round. Stops where the critical step comes next, with the line
# and without it; docs/scenarios/F29.md says what to look at.
source tools/gdb/scenarios/scenario.gdb
scenario-stop F29
frame 1
p k.sub
scenario-stop F29
frame 1
p k.sub
