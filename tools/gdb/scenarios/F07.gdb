# SPDX-License-Identifier: MIT
# F7: a path that forgets. Stops where the critical step comes next, with the line
# and without it; docs/scenarios/F07.md says what to look at.
source tools/gdb/scenarios/scenario.gdb
scenario-stop F7
frame 1
p d
scenario-stop F7
frame 1
p d
