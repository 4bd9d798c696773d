#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Clocks that are ten seconds apart, on real nodes: said with the node's name, no drain is proven, and nobody is
# interrupted; and right again when they are set right.

use v5.36;
use Test::More;
use Time::HiRes qw(time);
use ABSwitch::Clock;
use ABSwitch::Cluster qw(SOON);
use ABSwitch::Crowd;
use ABSwitch::Memcached;
use ABSwitch::Wait;

plan skip_all => 'there is no memcached' if !ABSwitch::Memcached->is_here;
plan skip_all => ABSwitch::Clock->why_not if ABSwitch::Clock->why_not;

my $clock = ABSwitch::Clock->new;
my $crowd = ABSwitch::Crowd->new(store => ABSwitch::Memcached->new->start, sides => [qw(A B C)],
    server => ABSwitch::Cluster::PATIENT, node => sub ($n) { $n == 3 ? (wrap => [$clock->inside]) : () });
my $cluster = $crowd->cluster;
my $ahead_until = 0;
my $apart = sub { $cluster->whole(2)->{time} - $cluster->whole(0)->{time} };

for my $seconds (10, -10) {
    my $is = $seconds > 0 ? 'ahead' : 'behind';
    my $other = $seconds > 0 ? 'behind' : 'ahead';
    $clock->set($seconds);
    $crowd->unknown("10 s $is", qr/the clock of web\d is (?:[5-9]|1[0-5]) s (?:ahead|behind); set it right/);
    wait_for 'the clocks to be so far apart', 5, sub { abs(($_ = $apart->()) - $seconds) < 1 };
    my @reasons = map { $_->{reason} } $crowd->sides;
    like $reasons[$_], qr/the clock of web3 is \d+ s $is;/, 'node ' . ($_ + 1) . ' says whose' for 0, 1;
    like $reasons[2], qr/the clock of web[12] is \d+ s $other;/, 'and that one, that it is the others';
    like $cluster->node(0)->client->get('/abswitch-status')->body, qr/the clock of web3 is/, 'so does the page';
    my (@few, @known);
    $crowd->live(2, sub (@sides) {
        push @few, grep { ($_->{sessions} // -1) < ABSwitch::Crowd::USERS } @sides;
        push @known, grep { $_->{drain} ne 'unknown' } @sides;
        return 0;
    });
    is_deeply \@few, [], 'nobody is left out of the count';
    is_deeply \@known, [], 'the drain stays unknown';
    my $side = $seconds > 0 ? 'C' : 'B';
    $cluster->flip($side);
    is_deeply [$cluster->lands], [("/contact/$side/") x 3], 'a flip is in force everywhere';
    $clock->set(0);
    $ahead_until = time + 11 if $seconds > 0;
    $crowd->mended('set right');
}
# What was seen by a clock that was ahead is later than a logout, until the others have caught up: too many, not too few.
$crowd->live($ahead_until - time) if $ahead_until > time;
$crowd->ends_well;
done_testing;
