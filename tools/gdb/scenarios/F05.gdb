# SPDX-License-Identifier: MIT
# F5: off the list before release. Stops where the critical step comes next, with the line
# and without it; docs/scenarios/F05.md says what to look at.
source tools/gdb/scenarios/scenario.gdb
scenario-stop F5
frame 1
p d
scenario-stop F5
frame 1
p d
