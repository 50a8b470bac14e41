# pg_herald: the extension is built here with PGXS; the bridge has its own Makefile.
#
#   make, make install, make installcheck, make uninstall   the extension (PG_CONFIG=...)
#   make bridge, make install-bridge, make uninstall-bridge  herald-bridge (no server headers needed)
#   make demo, make demo-clean                              the example application on a private cluster
#   make ASSERTIONS=1                                       the extension with its contracts (Assert) checked, as tests build it
#   make bench, make bench ITEM=writes SHORT=1 ROUNDS=5     the benchmarks, or one of them: see bench/README.md
#   make bench-baseline                                     counts the instructions that make test compares with anew
#   make test, make test-assert, make soak, make fuzz MINUTES=10, make lint, make format   see CONTRIBUTING.md

# The control file is the one place that states the version.
EXTVERSION   = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" extension/pg_herald.control)

EXTENSION    = extension/pg_herald
MODULE_big   = pg_herald
OBJS         = $(patsubst %.c,%.o,$(sort $(wildcard extension/*.c extension/*/*.c)))
DATA_built   = sql/pg_herald--$(EXTVERSION).sql
PG_CPPFLAGS  = -I$(CURDIR)/extension
ifdef ASSERTIONS
PG_CPPFLAGS += -DUSE_ASSERT_CHECKING
endif
PG_CFLAGS    = -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers

# The script is put together in the order of the road.
SQL_PARTS    = schema event_log server_start total signal notification unread preference watch detect arguments words findings social people access \
               content conversation inbox groups sessions rooms cookies room_owners plan sending presence actions milestone retention renames maintenance doctor status entry privileges
SQL_FILES    = $(SQL_PARTS:%=sql/parts/%.sql)

REGRESS      = $(sort $(basename $(notdir $(wildcard test/regress/sql/*.sql))))
REGRESS_OPTS = --inputdir=test/regress --outputdir=$(CHECK_OUTPUT)
ISOLATION    = $(sort $(basename $(notdir $(wildcard test/regress/specs/*.spec))))
ISOLATION_OPTS = --inputdir=test/regress --outputdir=$(CHECK_OUTPUT)
CHECK_OUTPUT = build/check
EXTRA_CLEAN  = build sql/pg_herald--*.sql

# PG=17 chooses Debian's server of that version, PG_CONFIG any.
PG_CONFIG   ?= $(if $(PG),/usr/lib/postgresql/$(PG)/bin/pg_config,pg_config)
PGXS        := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(PGXS),)
include $(PGXS)
# Replaces the library by rename. A running server opens it at any time: for the first INSERT of a session.
INSTALL_SHLIB = sh -c 'install -m 755 "$$1" "$$2.new" && mv -f "$$2.new" "$$2"' replace
# A database of its own: a worker may have been told to serve it.
ISOLATION_TESTDB = isolation_regression_pg_herald
else
all install installcheck uninstall clean:
	@echo "pg_herald: $(PG_CONFIG) not found: install PostgreSQL's server headers (Debian: postgresql-server-dev-15) or pass PG_CONFIG=" >&2; exit 1
endif

$(OBJS): $(wildcard extension/*.h extension/*/*.h) build/assertions

# Changes when ASSERTIONS does: then every object is compiled again.
build/assertions: FORCE
	@mkdir -p build; echo '$(ASSERTIONS)' | cmp -s - $@ || echo '$(ASSERTIONS)' > $@
FORCE:

sql/pg_herald--$(EXTVERSION).sql: $(SQL_FILES) extension/pg_herald.control Makefile
	{ printf '%s\n' '\echo Use "CREATE EXTENSION pg_herald" to load this file. \quit'; cat $(SQL_FILES); } > $@

installcheck: | build/check
build/check:
	mkdir -p $@

bridge:
	$(MAKE) -C bridge
install-bridge uninstall-bridge:
	$(MAKE) -C bridge $(@:%-bridge=%)

demo demo-clean:
	scripts/demo $(@:demo%=%)

test:
	test/run

soak:
	test/run soak

fuzz:
	test/run fuzz

test-assert:
	test/assert

bench:
	bench/run $(if $(SHORT),--short) $(if $(ROUNDS),--rounds=$(ROUNDS)) $(ITEM)

bench-baseline:
	bench/instructions --save

lint format:
	test/lint/$@

.PHONY: FORCE fuzz bench bench-baseline bridge install-bridge uninstall-bridge demo demo-clean test test-assert soak lint format
