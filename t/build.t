#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# What was built: one visible name, and nothing that a linker would have to fetch from elsewhere.

use v5.36;
use Test::More;
use ABSwitch::Host qw(repo run);

my $module = repo('build/mod_abswitch.so');
my ($exit, $names) = run('nm', '-D', '--defined-only', '--format=posix', $module);
is $exit, 0, 'there is a module';
is_deeply [map { /\A(\S+)/ } split /\n/, $names], ['abswitch_module'], 'nothing but the module record is visible';

# Under a name that httpd does not have, a name of the engine is a function that was declared and never written.
my (undef, $wanted) = run('nm', '-D', '--undefined-only', '--format=posix', $module);
is_deeply [grep { /\Aabsw/ } split /\n/, $wanted], [], 'nothing of our own is missing';

# Of the engine the tool has only rooms that want little.
my (undef, $dynamic) = run('readelf', '-d', repo('build/abswitchctl'));
like $dynamic, qr/NEEDED.*libcurl/, 'abswitchctl needs libcurl';
unlike $dynamic, qr/NEEDED.*(?:memcached|crypto|aprutil)/, 'and nothing that only the module needs';

done_testing;
