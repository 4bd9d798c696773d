#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The unit tests of the engine, in C: every t/unit/test_*.c as the Makefile built it, each of its tests a test point.

use v5.36;
use Test::More;
use ABSwitch::Host qw(repo run);

# cmocka's TAP: what it planned, and what came of it: [name, passed, skipped, lines of the failure].
sub parse ($output) {
    my ($planned, @points);
    for my $line (split /\n/, $output) {
        if ($line =~ /\A1\.\.(\d+)/) {
            $planned = $1;
        }
        elsif ($line =~ /\A(not )?ok \d+ (?:- )?(.*)/) {
            my ($failed, $name) = ($1, $2);
            my $skipped = $name =~ s/\A# SKIP //;
            push @points, [$name, !$failed, $skipped];
        }
        elsif (@points) {
            push $points[-1]->@*, $line =~ s/\A# //r;
        }
    }
    return ($planned, @points);
}

sub report ($test) {
    chdir repo();
    my ($exit, $output) = run({ deadline => 600 }, repo("build/t/$test"));
    my ($planned, @points) = parse($output);
    for my $point (@points) {
        my ($name, $passed, $skipped, @lines) = @$point;
      SKIP: {
            skip "$test: $name", 1 if $skipped;
            ok $passed, "$test: $name" or diag join "\n", @lines;
        }
    }
    my $whole = defined $planned && @points == $planned;
    my $said = 'ran ' . @points . ' of ' . ($planned // 'an unknown number of') . " tests, exit status $exit";
    ok $whole && $planned && $exit == 0, "$test: complete"
        or diag $said, $whole ? '' : ":\n$output";
    return;
}

my @tests = map { m{/([^/]+)\.c\z} } glob repo('t/unit/test_*.c');
ok scalar @tests, 'there are unit tests';
report($_) for @tests;
done_testing;
