# SPDX-License-Identifier: MIT
# F3: gone, and called. Stops where the critical step comes next, with the line
# and without it; docs/scenarios/F03.md says what to look at.
source tools/gdb/scenarios/scenario.gdb
scenario-stop F3
frame 1
p l
scenario-stop F3
frame 1
p l
