# SPDX-License-Identifier: MIT
# F8c: An entry from an old look. Stops where the critical step comes next, with the line
# and without it; docs/scenarios/F08.md says what to look at.
source tools/gdb/scenarios/scenario.gdb
scenario-stop F8c
frame 1
p s
scenario-stop F8c
frame 1
p s
