#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Hostile bytes for everything that reads some: each fuzz target once for every seed, and for some thousand changes of
# them. `make fuzz` looks for new ones.

use v5.36;
use Test::More;
use ABSwitch::Host qw(apxs repo run slurp spew);
use ABSwitch::TempDir;

use constant CHANGES => 300;     # of each seed

my @targets = map { m{/fuzz_(\w+)\.c\z} } glob repo('t/fuzz/fuzz_*.c');
ok scalar @targets, 'there are targets';
for my $name (@targets) {
    my @seeds = glob repo("t/fuzz/seeds/$name/*");
    ok scalar @seeds, "$name has seeds";
    my ($exit, $output) = run({ deadline => 600 }, repo("build/t/fuzz_$name"), '-m', CHANGES, repo("t/fuzz/seeds/$name"));
    is $exit, 0, "$name holds" or diag $output;
    is $output, @seeds * (1 + CHANGES) . " inputs\n", '... for each of them';
}
my @orphans = grep { my $folder = s{.*/}{}r; !grep { $_ eq $folder } @targets } glob repo('t/fuzz/seeds/*');
is_deeply \@orphans, [], 'every folder of seeds has its target';

# A driver that could not fail would be of no use: this copy of it is to read a file that is not there, and one input
# of which the target is not the master.
my $dir = temp_dir('fuzz');
is +(run(repo('build/t/fuzz_cookie'), "$dir/none"))[0], 1, 'a seed that cannot be read is a failure';
spew("$dir/canary.c", <<'C');
#include "fuzz.h"
void fuzz(fuzz_t *in)
{
    FUZZ_HOLDS(in->len < 3 || memcmp(in->at, "bad", 3) != 0);
}
C
my @flags = grep { length } split /\s+/, (run('sh', '-c', apxs('APR_CONFIG') . ' --includes --cppflags --link-ld --libs'))[1];
SKIP: {
    my ($built, $why) = run($ENV{CC} || 'cc', '-I' . repo('t/fuzz'), '-I' . repo('src/core'), "$dir/canary.c",
        repo('t/fuzz/replay.c'), '-o', "$dir/canary", @flags);
    skip "cannot build the canary: $why", 3 if $built;
    spew("$dir/good", 'good');
    spew("$dir/bad", 'bad one');
    is +(run("$dir/canary", "$dir/good"))[0], 0, 'an input that holds';
    my ($exit, $output) = run("$dir/canary", "$dir/good", "$dir/bad");
    is $exit, 128 + 6, 'one that does not ends the target';
    is slurp("$dir/canary.crash"), 'bad one', 'which keeps it' or diag $output;
}

done_testing;
