# SPDX-License-Identifier: MIT
# The kernel: every .c and .S file under these folders is part of it.

KERNEL := $(O)/kernel.elf
KDIRS := boot lib arch kernel mm drivers sys tests/kt tests/race tests/demo
KDIRS := $(KDIRS) $(patsubst %/,%,$(wildcard $(addsuffix /*/,$(KDIRS))))
KSRC := $(sort $(wildcard $(addsuffix /*.c,$(KDIRS)) $(addsuffix /*.S,$(KDIRS))))
KSRC := $(filter-out $(LEFT_OUT),$(KSRC))
KOBJ := $(patsubst %,$(O)/obj/%.o,$(basename $(KSRC)))

# What the flavour instruments: everything, or some folders; never <x>_PLAIN.
CHECKED := $(if $($(FLAVOUR)_ONLY),\
	$(filter $($(FLAVOUR)_ONLY:%=$(O)/obj/%/%),$(KOBJ)),$(KOBJ))
CHECKED := $(filter-out $($(FLAVOUR)_PLAIN:%=$(O)/obj/%.o),$(CHECKED))
$(CHECKED): CHECK_FLAGS := $($(FLAVOUR)_FLAGS)

ifneq ($(words $(KOBJ)),$(words $(sort $(KOBJ))))
$(error two source files differ only in .c and .S: give one another name)
endif

# Flags that change rebuild everything: they are kept in a file.
FLAGS_FILE := $(O)/.flags
FLAGS_TEXT := $(CC) $(CPPFLAGS_K) $(CFLAGS_K) $(LD) $(LDFLAGS_K) \
	$($(FLAVOUR)_FLAGS) not: $($(FLAVOUR)_PLAIN)

.PHONY: FORCE
FORCE:

$(O)/.rewalk-build:
	@mkdir -p $(@D) && : >$@

export FLAGS_TEXT
$(FLAGS_FILE): FORCE | $(O)/.rewalk-build
	@printf '%s\n' "$$FLAGS_TEXT" | cmp -s - $@ || \
		printf '%s\n' "$$FLAGS_TEXT" >$@

# The list of objects too: a file that was removed must leave the image.
OBJ_LIST := $(O)/.objects
$(OBJ_LIST): FORCE | $(O)/.rewalk-build
	@printf '%s\n' $(KOBJ) | cmp -s - $@ || printf '%s\n' $(KOBJ) >$@

$(O)/obj/%.o: %.c $(FLAGS_FILE)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_K) $(CFLAGS_K) $(CHECK_FLAGS) -c $< -o $@

$(O)/obj/%.o: %.S $(FLAGS_FILE)
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_K) $(ASFLAGS_K) -c $< -o $@

# Two links: the first gives the addresses of all functions, the second adds
# the table of them (.ksyms lies behind .text, so no function moves).
$(O)/ksyms0.S: tools/ksyms.py | $(O)/.rewalk-build
	$(Q)$(PYTHON) tools/ksyms.py --empty >$@

$(O)/ksyms.S: $(O)/kernel0.elf tools/ksyms.py
	$(call say,KSYMS,$@)
	$(Q)$(NM) -n $< >$(O)/kernel0.nm
	$(Q)$(PYTHON) tools/ksyms.py $(O)/kernel0.nm >$@

$(O)/ksyms.o $(O)/ksyms0.o: %.o: %.S
	$(Q)$(CC) $(ASFLAGS_K) -c $< -o $@

$(O)/kernel0.elf: $(KOBJ) $(O)/ksyms0.o linker.ld $(OBJ_LIST)
	$(call say,LD,$@)
	$(Q)$(LD) $(LDFLAGS_K) -T linker.ld -o $@ $(KOBJ) $(O)/ksyms0.o

$(KERNEL): $(O)/kernel0.elf $(O)/ksyms.o tools/check_image.py
	$(call say,LD,$@)
	$(Q)$(LD) $(LDFLAGS_K) -T linker.ld -o $@.tmp $(KOBJ) $(O)/ksyms.o
	$(Q)$(NM) -n $@.tmp >$(O)/kernel.nm
	$(Q)$(PYTHON) tools/check_image.py $@.tmp $(O)/kernel0.nm $(O)/kernel.nm
	$(Q)mv $@.tmp $@

.PRECIOUS: $(O)/ksyms.S $(O)/ksyms0.S $(O)/kernel0.elf

# Compile without linking, while the parts are not all there.
.PHONY: objs
objs: $(KOBJ)

.PHONY: compile_commands.json
compile_commands.json:
	$(call say,GEN,$@)
	$(Q)$(PYTHON) tools/compdb.py "$(CC) $(CPPFLAGS_K) $(CFLAGS_K)" \
		$(O) $(filter %.c,$(KSRC)) >$@

-include $(KOBJ:.o=.d)
