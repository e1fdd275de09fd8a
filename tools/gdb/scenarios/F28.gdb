# SPDX-License-Identifier: MIT
# F28: a walk in an interrupt. Stops where the critical step comes next, with the line
# and without it; docs/scenarios/F28.md says what to look at.
source tools/gdb/scenarios/scenario.gdb
scenario-stop F28
frame 1
p w
scenario-stop F28
frame 1
p w
