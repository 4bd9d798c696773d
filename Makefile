# SPDX-License-Identifier: Apache-2.0
# GNU make. `make help` lists the targets; APXS=/path/to/apxs chooses another httpd, V=1 shows the commands.

ifeq ($(origin APXS),undefined)
# Whoever brings a httpd of their own is not asked to install the distribution's. apache2-bin is the
# server without Debian's service, so nothing begins to listen on port 80 because of us.
HTTPD_PACKAGES = apache2-bin apache2-dev libapr1-dev libaprutil1-dev
APXS = $(shell command -v apxs || command -v apxs2)
endif
# With --no-install-recommends gcc comes without libc's headers. `make BUILD_PACKAGES=` skips the question.
BUILD_PACKAGES = $(HTTPD_PACKAGES) gcc libc6-dev libssl-dev libjansson-dev libmemcached-dev \
    libcurl4-openssl-dev
CLUSTER_PACKAGES = memcached netcat-openbsd
CHECK_PACKAGES = libcmocka-dev perl libio-pty-perl openssl $(CLUSTER_PACKAGES) faketime iproute2 valgrind php-fpm \
    chromium chromium-driver mandoc curl wrk libapache2-mod-security2 $(MONITORING_PACKAGES)
MONITORING_PACKAGES = prometheus nagios4-core icinga2-bin icinga2-common munin-node ganglia-monitor
ZABBIX_PACKAGES = zabbix-server-pgsql zabbix-frontend-php postgresql php-cli php-pgsql
BENCH_PACKAGES = libcmocka-dev perl valgrind wrk haproxy nginx memcached util-linux
FUZZ_PACKAGES = clang libclang-rt-dev
AFL_PACKAGES = $(FUZZ_PACKAGES) afl++
LINT_PACKAGES = clang clang-tidy cppcheck

PREFIX = /usr/local
PORT ?= 8080
TESTS = t/*.t t/cluster/*.t t/monitoring/*.t
TIME = 5min
TEST_JOBS = 2
# The other ones look at what was built, at documents, browsers and monitoring programs, or at memory, instructions and
# times, which sanitizers add to; httpd kills children of 37 servers that look for leaks at the same time, and libfaketime
# hangs beside libasan.
SANITIZED_TESTS = $(filter-out t/build.t t/docs.t t/demo.t t/browser.t t/cost.t t/flood.t t/cluster/demo-cluster.t \
    t/cluster/cluster-size.t t/cluster/cluster-clocks.t, $(wildcard t/*.t t/cluster/*.t))

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

comma := ,
object = $(patsubst %.c,build/obj/%.o,$(1))
CORE := $(call object,$(wildcard src/core/*.c))
GLUE := $(call object,mod_abswitch.c $(wildcard src/module/*.c))
CTL := $(call object,$(wildcard src/ctl/*.c))
UNIT_TESTS := $(patsubst t/unit/%.c,build/t/%,$(wildcard t/unit/test_*.c))
BENCH_PROGRAMS := $(patsubst t/bench/%.c,build/bench/%,$(wildcard t/bench/*.c))
ASSETS := $(wildcard htdocs/assets/*)
FUZZ_TARGETS := $(patsubst t/fuzz/%.c,%,$(wildcard t/fuzz/fuzz_*.c))

LINT_SOURCES = mod_abswitch.c $(wildcard src/*/*.c)
LINT_FLAGS = $(HTTPD_FLAGS) $(APR_FLAGS) -I. -Isrc/core -Isrc/module -Isrc/ctl -Ibuild/gen -It/unit

.DELETE_ON_ERROR:
.PHONY: all install uninstall check check-asan check-zabbix lint flood fuzz fuzz-afl fuzz-targets fuzz-replays soak \
    bench demo demo-cluster deps deps-bench deps-check deps-cluster bench-programs unit-tests clean help FORCE

all: build/mod_abswitch.so build/abswitchctl  ## build/mod_abswitch.so and build/abswitchctl

install: all  ## the module to where httpd looks for it, the tool below PREFIX (/usr/local); DESTDIR is put before
	install -D -m 0644 build/mod_abswitch.so '$(DESTDIR)$(shell $(APXS) -q LIBEXECDIR)/mod_abswitch.so'
	install -D -m 0755 build/abswitchctl '$(DESTDIR)$(PREFIX)/bin/abswitchctl'
	install -D -m 0644 docs/abswitchctl.1 '$(DESTDIR)$(PREFIX)/share/man/man1/abswitchctl.1'
	install -D -m 0644 conf/abswitchctl.bash-completion \
	    '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/abswitchctl'

uninstall:  ## remove what install puts there; configuration and state stay
	rm -f '$(DESTDIR)$(shell $(APXS) -q LIBEXECDIR)/mod_abswitch.so' '$(DESTDIR)$(PREFIX)/bin/abswitchctl' \
	    '$(DESTDIR)$(PREFIX)/share/man/man1/abswitchctl.1' \
	    '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/abswitchctl'

check: deps-check  ## install what is missing, build, run every test (TESTS=t/unit.t: one)
	@$(MAKE) --no-print-directory all unit-tests fuzz-replays
	@rm -rf build/tap build/tap.state
	APXS='$(APXS)' FLOOD='$(FLOOD)' PERL_TEST_HARNESS_DUMP_TAP=build/tap prove -j $(TEST_JOBS) --timer --merge --comments \
	    --state=save --statefile=build/tap.state -I t/lib $(TESTS) || { .ci/digest build/tap.state build/tap; false; }

fuzz:  ## hostile bytes for all that reads some, TIME= seconds for each target (60)
	@.ci/deps $(BUILD_PACKAGES) $(FUZZ_PACKAGES)
	@$(MAKE) --no-print-directory fuzz-targets
	@TIME=$(if $(filter file,$(origin TIME)),60,'$(TIME)') t/fuzz/run $(FUZZ_TARGETS)

fuzz-afl:  ## the same with AFL++, which looks in other ways, for TARGET= (token)
	@.ci/deps $(BUILD_PACKAGES) $(AFL_PACKAGES)
	@$(MAKE) --no-print-directory $(addprefix build/afl/fuzz_,$(or $(TARGET),token))
	@TIME=$(if $(filter file,$(origin TIME)),60,'$(TIME)') t/fuzz/afl $(or $(TARGET),token)

check-asan: deps-check  ## the tests, httpd among them, under AddressSanitizer and UndefinedBehaviorSanitizer
	@APXS='$(APXS)' TEST_JOBS=$(TEST_JOBS) .ci/sanitized $(if $(filter file,$(origin TESTS)),$(SANITIZED_TESTS),$(TESTS))

flood:  ## N= requests without cookies, N with forged ones, N with forged ones below a side (1000000)
	@$(MAKE) --no-print-directory check TESTS=t/flood.t FLOOD='$(or $(N),1000000)'

lint: deps-check all  ## clang's warnings, clang-tidy (.clang-tidy says what is off and why) and cppcheck
	@.ci/deps $(LINT_PACKAGES)
	@echo $(LINT_SOURCES) $(wildcard t/unit/*.c t/fuzz/*.c) | xargs -n 20 -P 2 \
	    clang -std=gnu11 -fsyntax-only $(WARNINGS) $(WERROR) $(LINT_FLAGS)
	@echo $(LINT_SOURCES) | xargs -n 6 -P 2 sh -c 'clang-tidy --quiet "$$@" -- -std=gnu11 $(LINT_FLAGS) 2>/dev/null' tidy
	@cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr --std=c11 -j 2 \
	    --suppress=missingIncludeSystem -Isrc/core -Isrc/module -Isrc/ctl -I. -Ibuild/gen $(LINT_SOURCES) t/fuzz
	@echo 'lint: clean'

soak: deps-check  ## users at work and faults at random on real servers, for TIME=5min (SEED=4711: the same again)
	@$(MAKE) --no-print-directory all
	APXS='$(APXS)' ABSWITCH_SOAK_TIME='$(TIME)' ABSWITCH_SOAK_SEED='$(SEED)' prove --timer -I t/lib t/soak/soak.t

bench: deps-bench  ## measure against other ways to do it, into docs/performance.md (BENCH=quick: two minutes)
	@$(MAKE) --no-print-directory all bench-programs
	@APXS='$(APXS)' exec perl -I t/lib t/bench/run $(BENCH)

check-zabbix:  ## the template in a real Zabbix with its database, about two minutes
	@.ci/deps $(ZABBIX_PACKAGES)
	@$(MAKE) --no-print-directory check TESTS=t/zabbix/template.t

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

# Of the engine it takes what it needs, and of the engine's libraries what that needs.
build/abswitchctl: $(CTL) build/libabswcore.a
	$(call say,LINK $@,$(CC) $(CFLAGS) $(LDFLAGS) -Wl$(comma)--as-needed -o $@ $^ -lcurl $(LIBS) $(APR_LIBS))

# The engine sees APR and never httpd: without httpd's headers a slip does not compile.
build/obj/%.o: INCLUDES = $(APR_FLAGS) -Isrc/core
$(GLUE): INCLUDES = $(HTTPD_FLAGS) $(APR_FLAGS) -I. -Isrc/core -Isrc/module -Ibuild/gen
$(GLUE): | build/gen/assets.h
$(CTL): INCLUDES = $(APR_FLAGS) -Isrc/core -Isrc/ctl

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
build/libabswctl.a: $(filter-out %/main.o,$(CTL))
build/lib%.a:
	@rm -f $@
	$(call say,AR $@,$(AR) rcs $@ $^)

unit-tests: $(UNIT_TESTS)
	@:

build/t/%: t/unit/%.c build/libabswctl.a build/libabswcore.a build/flags
	@mkdir -p $(@D)
	$(call say,CC $<,$(COMPILE) $(APR_FLAGS) -Isrc/core -Isrc/ctl -MMD -MP -MF $@.d $< \
	    build/libabswctl.a build/libabswcore.a -o $@ $(LDFLAGS) -lcmocka -lcurl $(LIBS) $(APR_LIBS))

bench-programs: $(BENCH_PROGRAMS)
	@:

build/bench/%: t/bench/%.c build/libabswcore.a build/flags
	@mkdir -p $(@D)
	$(call say,CC $<,$(COMPILE) $(APR_FLAGS) -Isrc/core -It/unit -MMD -MP -MF $@.d $< \
	    build/libabswcore.a -o $@ $(LDFLAGS) -lcmocka $(LIBS) $(APR_LIBS))

# A fuzz target once for each of its seeds, with the compiler that everything is built with; and for clang's
# libFuzzer, with the core built a second time for its sanitizers.
fuzz-replays: $(FUZZ_TARGETS:%=build/t/%)
	@:

build/t/fuzz_%: t/fuzz/fuzz_%.c t/fuzz/replay.c build/libabswctl.a build/libabswcore.a build/flags
	@mkdir -p $(@D)
	$(call say,CC $<,$(COMPILE) $(APR_FLAGS) -Isrc/core -Isrc/ctl -It/unit -MMD -MP -MF $@.d $< t/fuzz/replay.c \
	    build/libabswctl.a build/libabswcore.a -o $@ $(LDFLAGS) $(LIBS) $(APR_LIBS))

# A small world, whose limits an input can reach. The replays have everything as it is.
FUZZ_WORLD = -DABSW_MEMBERS_EXACT=64 -DABSW_MEMBERS_CELLS=1024 -DABSW_HISTORY_FINE=6 -DABSW_HISTORY_COARSE=24 \
    -DABSW_BOARD_PEERS_MAX=6 -DABSW_ENDS_RING=16
FUZZ_FLAGS = -std=gnu11 -O1 -g -fno-omit-frame-pointer $(WARNINGS) $(WERROR) $(FUZZ_WORLD) \
    -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_CLANG = clang $(FUZZ_FLAGS)
FUZZ_CORE := $(patsubst %.c,build/fuzz/obj/%.o,$(wildcard src/core/*.c) src/ctl/reading.c)

fuzz-targets: $(FUZZ_TARGETS:%=build/fuzz/%)
	@:

# To make they are links of a chain, which it would remove and compile again each time.
.SECONDARY: $(FUZZ_CORE)

build/fuzz/obj/%.o: %.c build/flags
	@mkdir -p $(@D)
	$(call say,CLANG $<,$(FUZZ_CLANG) -fsanitize=fuzzer-no-link $(APR_FLAGS) -Isrc/core -Isrc/ctl -MMD -MP -c $< -o $@)

build/fuzz/fuzz_%: t/fuzz/fuzz_%.c t/fuzz/libfuzzer.c .ci/pools.c $(FUZZ_CORE) build/flags
	@mkdir -p $(@D)
	$(call say,CLANG $<,$(FUZZ_CLANG) -fsanitize=fuzzer $(APR_FLAGS) -Isrc/core -Isrc/ctl -It/unit -MMD -MP -MF $@.d \
	    $< t/fuzz/libfuzzer.c .ci/pools.c $(FUZZ_CORE) -o $@ $(LIBS) $(APR_LIBS))

# AFL++ brings a driver for what libFuzzer calls: many inputs a process, and ninety times as many as with one for each.
build/afl/fuzz_%: t/fuzz/fuzz_%.c t/fuzz/libfuzzer.c $(wildcard src/core/*.[ch]) src/ctl/reading.c build/flags
	@mkdir -p $(@D)
	$(call say,AFL $<,AFL_QUIET=1 afl-clang-fast $(FUZZ_FLAGS) -fsanitize=fuzzer $(APR_FLAGS) -Isrc/core -Isrc/ctl \
	    -It/unit $(filter %.c,$^) -o $@ $(LIBS) $(APR_LIBS))

FORCE:

-include $(GLUE:.o=.d) $(CORE:.o=.d) $(CTL:.o=.d) $(UNIT_TESTS:=.d) $(BENCH_PROGRAMS:=.d) $(FUZZ_CORE:.o=.d) \
    $(FUZZ_TARGETS:%=build/t/%.d) $(FUZZ_TARGETS:%=build/fuzz/%.d)
