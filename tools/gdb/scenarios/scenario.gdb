# SPDX-License-Identifier: MIT
# What the scripts of single scenarios share.
set confirm off
set pagination off

# Until the next critical step of scenario NUMBER: what comes, who stands where.
define scenario-stop
	break scenario_now
	commands
		silent
	end
	continue
	clear scenario_now
	printf "$arg0: %s\n", what
	thread apply all -q -s bt 8
end
document scenario-stop
Runs to the critical step of a scenario and shows every CPU.
end
