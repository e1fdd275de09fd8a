# SPDX-License-Identifier: MIT
# F9: change_pte where it is illegal. Stops where the critical step comes next, with the line
# and without it; docs/scenarios/F09.md says what to look at.
source tools/gdb/scenarios/scenario.gdb
scenario-stop F9
frame 1
p d
scenario-stop F9
frame 1
p d
