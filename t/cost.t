#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# What the module costs a request, in instructions: no more than was promised. See docs/performance.md.

use v5.36;
use Test::More;
use ABSwitch::Cost;
use ABSwitch::Host qw(slurp which);
use ABSwitch::Token;

plan skip_all => 'valgrind is not installed' if !which('valgrind');
plan skip_all => 'there is no worker MPM' if !grep { $_ eq 'worker' } ABSwitch::Httpd->mpms;

# What is promised, and what another machine may differ by: libc has several strlen() and memcpy(), and what they take
# depends on where in memory a string lies. On one machine two measurements of the same thing differ by 1 or 2, seldom
# by 20. Those for a processor without AVX2 take more.
use constant { BELOW_A_SIDE => 2000, OUTSIDE => 150, MARGIN => slurp('/proc/cpuinfo') =~ /\bavx2\b/ ? 30 : 100 };

use constant APPLICATION => <<'CONF';
ABSwitchSecretFile ${ROOT}/conf/secret
ABSwitchSync 60s
<ABSwitch contact>
    ABSwitchLaunchpad /contact
    ABSwitchSide A /contact/A
    ABSwitchSide B /contact/B
</ABSwitch>
CONF

my $now = time;
my @headers = (
    Cookie => 'JSESSIONID=0123456789ABCDEF; abswitch_contact='
        . make_token(secret => ABSwitch::Site::SECRET, app => 'contact', side => 'A', login => $now),
    Referer => 'http://127.0.0.1/contact/A/',
);

# A server of everyday life: its switch was flipped before.
sub setup ($server) {
    $server->write('conf/secret', 'k ' . ABSwitch::Site::SECRET . "\n", 0600);
    $server->write('run/abswitch/contact.switch', "A=1 B=0 gen=7 at=$now by=test since=B:$now\n") if $server->{module};
    $server->write("htdocs/$_/index.html", "<!doctype html><title>A</title><h1>side A</h1>\n")
        for qw(contact/A outside contactus);
    return;
}

my $bare = ABSwitch::Cost->new(module => 0, setup => \&setup);
my $with = ABSwitch::Cost->new(conf => APPLICATION, setup => \&setup);

for (
    ['a passing request below a side', '/contact/A/index.html', $bare->per_request('/contact/A/index.html', @headers),
        BELOW_A_SIDE],
    ['a request outside of any application', '/outside/index.html', $bare->per_request('/outside/index.html', @headers),
        OUTSIDE],
    ['one whose path begins alike', '/contactus/index.html', $bare->per_request('/contactus/index.html', @headers),
        OUTSIDE],
    )
{
    my ($name, $path, $without, $limit) = @$_;
    my $cost = $with->per_request($path, @headers);
    diag sprintf '%s: %.0f instructions without the module, %.0f with it: %+.0f', $name, $without, $cost,
        $cost - $without;
    cmp_ok $cost - $without, '<=', $limit + MARGIN, "$name costs at most $limit more";
}
diag sprintf 'a redirect at the launchpad: %.0f instructions',
    ABSwitch::Cost->new(conf => APPLICATION, setup => \&setup, status => 302)->per_request('/contact', @headers);

done_testing;
