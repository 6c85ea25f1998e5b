# The command ck, included by the Makefile: tools/ck/*.c, its SQL from sql/tool/, the objects of
# ext/base that it uses too, and libck.a, of which it sees the entry point alone. libcurl is loaded
# when an endpoint is asked: linked, it would be nine tenths of the time that ck takes to start.

TOOL_SRC := $(wildcard tools/ck/*.c)
TOOL_OBJ := $(TOOL_SRC:%.c=$(B)/%.o) $(B)/gen/tool_sql.o
TOOL_SQL := $(sort $(wildcard sql/tool/*.sql))
TOOL_BASE := $(addprefix $(B)/core/ext/base/,fs.o buf.o error.o clock.o utf8.o)
TOOL_LIBS := -lsqlite3 $(LIBS)
BIN ?= ck

$(OUT)/ck: $(TOOL_OBJ) $(TOOL_BASE) $(OUT)/libck.a
	$(Q)$(CC) $(BASE_CFLAGS) $(LDFLAGS) -o $@ $^ $(TOOL_LIBS)

$(B)/tools/%.o: tools/%.c $(B)/gen/tool_sql.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(CK_CFLAGS) -DSQLITE_CORE -Itools/ck -c -o $@ $<

$(B)/gen/tool_sql.o: $(B)/gen/tool_sql.c
	$(Q)$(CC) $(CK_CFLAGS) -c -o $@ $<

$(B)/gen/tool_sql.c $(B)/gen/tool_sql.h &: tools/sqlgen.awk $(TOOL_SQL)
	@mkdir -p $(@D)
	$(Q)awk -v out=$(B)/gen/tool_sql -f tools/sqlgen.awk $(TOOL_SQL)

# BIN=name installs the command under another name. Every path is quoted: DESTDIR may have blanks.
INSTALLED := $(DESTDIR)$(PREFIX)
COMPLETIONS := bash:bash-completion/completions/$(BIN) zsh:zsh/site-functions/_$(BIN) \
    fish:fish/vendor_completions.d/$(BIN).fish

install: all ## install the libraries, the header, the command, its manual page and completions
	for folder in lib include bin share/man/man1 share/bash-completion/completions \
	    share/zsh/site-functions share/fish/vendor_completions.d; do \
	    install -d "$(INSTALLED)/$$folder" || exit 1; done
	install -m 644 $(OUT)/ck.so $(OUT)/libck.a "$(INSTALLED)/lib"
	install -m 644 ext/ck.h "$(INSTALLED)/include"
	install -m 755 $(OUT)/ck "$(INSTALLED)/bin/$(BIN)"
	$(OUT)/ck help --man=$(BIN) >"$(INSTALLED)/share/man/man1/$(BIN).1"
	cd "$(INSTALLED)/share" && for shell in $(COMPLETIONS); do \
	    ../bin/$(BIN) completion $${shell%%:*} >$${shell#*:} || exit 1; done

.PHONY: uninstall
uninstall: ## remove what install put there; stores stay
	cd "$(INSTALLED)" && rm -f lib/ck.so lib/libck.a include/ck.h bin/$(BIN) \
	    share/man/man1/$(BIN).1 $(foreach file,$(COMPLETIONS),share/$(lastword $(subst :, ,$(file))))
