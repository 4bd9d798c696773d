# SPDX-License-Identifier: Apache-2.0
# GNU make. `make help` lists the targets; APXS=/path/to/apxs chooses another httpd, V=1 shows the commands.

ifeq ($(origin APXS),undefined)
# Whoever brings a httpd of their own is not asked to install the distribution's. apache2-bin is the
# server without Debian's service, so nothing begins to listen on port 80 because of us.
HTTPD_PACKAGES = apache2-bin apache2-dev libapr1-dev libaprutil1-dev
APXS = $(shell command -v apxs || command -v apxs2)
endif
# With --no-install-recommends gcc comes without libc's headers. `make BUILD_PACKAGES=` skips the question.
BUILD_PACKAGES = $(HTTPD_PACKAGES) gcc libc6-dev libssl-dev libjansson-dev libmemcached-dev
CLUSTER_PACKAGES = memcached netcat-openbsd
CHECK_PACKAGES = libcmocka-dev perl openssl curl $(CLUSTER_PACKAGES) faketime iproute2 valgrind php-fpm chromium chromium-driver
MONITORING_PACKAGES = prometheus nagios4-core icinga2-bin icinga2-common munin-node ganglia-monitor
ZABBIX_PACKAGES = zabbix-server-pgsql zabbix-frontend-php postgresql php-cli php-pgsql

BENCH_PACKAGES = libcmocka-dev perl valgrind wrk haproxy nginx util-linux

PORT ?= 8080
TESTS = t/*.t t/cluster/*.t
TIME = 5min
TEST_JOBS = 2

CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
WERROR = -Werror
COMPILE = $(CC) -std=gnu11 $(CFLAGS) -fPIC -fvisibility=hidden $(WARNINGS) $(WERROR)
LIBS = -ljansson -lcrypto -lmemcached

# Asked when first needed, since `make deps`, `demo` and `check` start before there is an apxs, and only once.
# Headers that are not ours come in as system headers: their warnings do not count.
once = $(eval $(1) := $(2))$($(1))
HTTPD_FLAGS = $(call once,HTTPD_FLAGS,-isystem $(shell $(APXS) -q INCLUDEDIR))
APR_FLAGS = $(call once,APR_FLAGS,$(patsubst -I%,-isystem %,$(filter-out -I/usr/include,$(sort $(shell \
    `$(APXS) -q APR_CONFIG` --includes --cppflags --cflags; `$(APXS) -q APU_CONFIG` --includes)))))
APR_LIBS = $(call once,APR_LIBS,$(shell \
    `$(APXS) -q APU_CONFIG` --link-ld; `$(APXS) -q APR_CONFIG` --link-ld --libs))

object = $(patsubst %.c,build/obj/%.o,$(1))
CORE := $(call object,$(wildcard src/core/*.c))
GLUE := $(call object,mod_abswitch.c $(wildcard src/module/*.c))
UNIT_TESTS := $(patsubst t/unit/%.c,build/t/%,$(wildcard t/unit/test_*.c))
BENCH_PROGRAMS := $(patsubst t/bench/%.c,build/bench/%,$(wildcard t/bench/*.c))
ASSETS := $(wildcard htdocs/assets/*)

.DELETE_ON_ERROR:
.PHONY: all install check soak bench demo demo-cluster deps deps-bench deps-check deps-cluster bench-programs \
    unit-tests clean help FORCE

all: build/mod_abswitch.so  ## build/mod_abswitch.so

install: all  ## copy the module to where httpd looks for it, below DESTDIR if set
	install -D -m 0644 build/mod_abswitch.so '$(DESTDIR)$(shell $(APXS) -q LIBEXECDIR)/mod_abswitch.so'

check: deps-check  ## install what is missing, build, run every test (TESTS=t/unit.t: one)
	@$(MAKE) --no-print-directory all unit-tests
	APXS='$(APXS)' prove -j $(TEST_JOBS) --timer -I t/lib $(TESTS)

soak: deps-check  ## users at work and faults at random on real servers, for TIME=5min (SEED=4711: the same again)
	@$(MAKE) --no-print-directory all
	APXS='$(APXS)' ABSWITCH_SOAK_TIME='$(TIME)' ABSWITCH_SOAK_SEED='$(SEED)' prove --timer -I t/lib t/soak/soak.t

bench: deps-bench  ## measure against other ways to do it, into docs/performance.md (BENCH=quick: two minutes)
	@$(MAKE) --no-print-directory all bench-programs
	@APXS='$(APXS)' exec perl -I t/lib t/bench/run $(BENCH)

.PHONY: check-monitoring check-zabbix
check-monitoring:  ## the pieces of conf/monitoring in real Prometheus, Nagios, Icinga, Munin and Ganglia
	@.ci/deps $(MONITORING_PACKAGES)
	@$(MAKE) --no-print-directory check TESTS='t/monitoring/*.t'

check-zabbix:  ## the template in a real Zabbix with its database, about two minutes
	@.ci/deps $(ZABBIX_PACKAGES)
	@$(MAKE) --no-print-directory check TESTS=t/monitoring/zabbix.t

demo: deps  ## install what is missing, build, run two demo sides on http://127.0.0.1:PORT/contact
	@$(MAKE) --no-print-directory all
	@APXS='$(APXS)' PORT='$(PORT)' exec conf/demo/run

demo-cluster: deps-cluster  ## the same with three nodes, a memcached and a balancer without affinity
	@$(MAKE) --no-print-directory all
	@APXS='$(APXS)' PORT='$(PORT)' exec conf/demo-cluster/run

deps:  ## install the Debian packages that building needs, if any is missing
	@.ci/deps $(BUILD_PACKAGES)

deps-check:  ## the same for building and testing
	@.ci/deps $(BUILD_PACKAGES) $(CHECK_PACKAGES)
	@.ci/axe

deps-bench:
	@.ci/deps $(BUILD_PACKAGES) $(BENCH_PACKAGES)

deps-cluster:
	@.ci/deps $(BUILD_PACKAGES) $(CLUSTER_PACKAGES)

clean:  ## remove what was built
	rm -rf build

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' Makefile | expand -t 18

# --- how things are built ---------------------------------------------------------------------------------

ifeq ($(V),)
say = @echo "  $(1)"; $(2)
else
say = $(2)
endif

build/mod_abswitch.so: $(GLUE) $(CORE)
	$(call say,LINK $@,$(CC) -shared $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS))

# The engine sees APR and never httpd: without httpd's headers a slip does not compile.
build/obj/%.o: INCLUDES = $(APR_FLAGS) -Isrc/core
$(GLUE): INCLUDES = $(HTTPD_FLAGS) $(APR_FLAGS) -I. -Isrc/core -Isrc/module -Ibuild/gen
$(GLUE): | build/gen/assets.h

build/obj/%.o: %.c build/flags
	@mkdir -p $(@D)
	$(call say,CC $<,$(COMPILE) $(INCLUDES) -MMD -MP -c $< -o $@)

# The packages are asked for here because everything that compiles waits for this file; another compiler,
# httpd or flag compiles everything again.
build/flags: FORCE
	@.ci/deps -n $(BUILD_PACKAGES)
	@mkdir -p $(@D)
	@echo '$(COMPILE) $(HTTPD_FLAGS) $(APR_FLAGS)' | cmp -s - $@ || \
	    echo '$(COMPILE) $(HTTPD_FLAGS) $(APR_FLAGS)' > $@

# htdocs/assets/status.css becomes `static const char asset_status_css[]`. The folder itself is named because
# its time changes when a file goes.
build/gen/assets.h: $(ASSETS) $(wildcard htdocs/assets) Makefile
	@mkdir -p $(@D)
	@perl -e "$$ASSETS_TO_C" $(ASSETS) > $@
define ASSETS_TO_C
    for my $$path (@ARGV) {
        open my $$file, "<:raw", $$path or die "$$path: $$!\n";
        my $$name = $$path =~ s{.*/}{}r =~ s/[^A-Za-z0-9]/_/gr;
        my $$text = join "", <$$file>;
        $$text =~ s/([^ !#->@-\[\]-~])/$$1 eq "\n" ? qq(\\n"\n    ") : sprintf "\\%03o", ord $$1/ge;
        print qq(static const char asset_$$name\[] =\n    "$$text";\n);
    }
endef
build/gen/assets.h: export ASSETS_TO_C := $(ASSETS_TO_C)

build/libabswcore.a: $(CORE)
	@rm -f $@
	$(call say,AR $@,$(AR) rcs $@ $^)

unit-tests: $(UNIT_TESTS)
	@:

build/t/%: t/unit/%.c build/libabswcore.a build/flags
	@mkdir -p $(@D)
	$(call say,CC $<,$(COMPILE) $(APR_FLAGS) -Isrc/core -MMD -MP -MF $@.d $< \
	    build/libabswcore.a -o $@ $(LDFLAGS) -lcmocka $(LIBS) $(APR_LIBS))

bench-programs: $(BENCH_PROGRAMS)
	@:

build/bench/%: t/bench/%.c build/libabswcore.a build/flags
	@mkdir -p $(@D)
	$(call say,CC $<,$(COMPILE) $(APR_FLAGS) -Isrc/core -It/unit -MMD -MP -MF $@.d $< \
	    build/libabswcore.a -o $@ $(LDFLAGS) -lcmocka $(LIBS) $(APR_LIBS))

FORCE:

-include $(GLUE:.o=.d) $(CORE:.o=.d) $(UNIT_TESTS:=.d) $(BENCH_PROGRAMS:=.d)
