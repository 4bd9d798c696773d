#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# httpd is stopped at any moment of a sync, with no connection open: no child crashes, nothing is said, and the state
# is whole. (With connections open the event MPM may crash by itself: see ABSwitch::ErrorLog.)

use v5.36;
use Test::More;
use Time::HiRes qw(sleep);
use ABSwitch::Host qw(slurp);
use ABSwitch::Memcached;
use ABSwitch::Site;
use ABSwitch::Wait qw(wait_for);

use constant ROUNDS => 6;
use constant { TCP_LISTEN => '0A', TCP_TIME_WAIT => '06' };    # include/net/tcp_states.h

# Connections of a port that are not over, from the kernel.
sub connections ($port) {
    my $hex = sprintf '%04X', $port;
    return grep { $_ ne TCP_LISTEN && $_ ne TCP_TIME_WAIT } slurp('/proc/net/tcp') =~ /^\s*\d+: \w+:$hex \w+:\w+ (\w+)/mg;
}

sub stops_cleanly ($site) {
    for my $round (1 .. ROUNDS) {
        $site->start;
        $site->browser->type_in('/contact');
        sleep rand 0.25;    # anywhere in a sync
        wait_for 'the connections to be over', 5, sub { !connections($site->port) };
        $site->stop;
    }
    unlike $site->log_text, qr/exit signal/, 'no child crashed';
    unlike $site->log_text, qr/abswitch:(?:warn|error|crit)/, 'nothing to complain of';
    $site->log_is_clean;
    return;
}

for my $mpm (ABSwitch::Site->mpms) {
    subtest $mpm => sub { stops_cleanly(ABSwitch::Site->new(mpm => $mpm)) };
}

subtest 'with a memcached' => sub {
    plan skip_all => 'there is no memcached' if !ABSwitch::Memcached->is_here;
    my $store = ABSwitch::Memcached->new->start;
    my $address = $store->address;
    stops_cleanly(ABSwitch::Site->new(server => "ABSwitchSync 100ms\nABSwitchStoreTimeout 5s\nABSwitchStore memcache:$address"));
};

done_testing;
