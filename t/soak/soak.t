#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Real servers, users at work, and faults at random for some minutes: `make soak TIME=5min SEED=4711`. Four nodes, each
# in a network namespace and with a clock of its own, two memcacheds that are mirrors. All along: no user is interrupted,
# no node says "drained" while somebody is there. When the faults of a round are over: the right counts and one switch on
# all nodes within three syncs.

use v5.36;
use List::Util qw(max);
use Test::More;
use Time::HiRes qw(time);
use ABSwitch::Clock;
use ABSwitch::Cluster;
use ABSwitch::Crowd;
use ABSwitch::Faults;
use ABSwitch::Memcached;
use ABSwitch::Network;

plan skip_all => 'there is no memcached' if !ABSwitch::Memcached->is_here;
ABSwitch::Network->enter;
plan skip_all => ABSwitch::Network->why_not if ABSwitch::Network->why_not;

use constant NODES => 4;

# "90", "90s", "5min", "1h": as httpd writes times.
sub seconds ($text) {
    my %unit = ('' => 1, s => 1, min => 60, h => 3600);
    my ($number, $unit) = $text =~ /\A([1-9][0-9]*)(s|min|h|)\z/ or BAIL_OUT "TIME=$text is no time: 90s, 5min, 1h";
    return $number * $unit{$unit};
}

my $seconds = seconds($ENV{ABSWITCH_SOAK_TIME} || '5min');
my $seed = $ENV{ABSWITCH_SOAK_SEED} || int(1 + rand 1_000_000);
srand $seed;
diag "seed $seed: again with make soak TIME=${seconds}s SEED=$seed";

# Small enough to be filled, with few enough connections to be taken.
my @small = qw(-M -m 2 -n 1000 -f 2 -c 64);
my @stores = map { ABSwitch::Memcached->new(listen => '0.0.0.0', args => \@small)->start } 1, 2;
my @rooms = map { ABSwitch::Network->new('web', 'storea', 'storeb') } 1 .. NODES;
my @clocks = ABSwitch::Clock->why_not ? () : map { ABSwitch::Clock->new } 1 .. NODES;
diag ABSwitch::Clock->why_not . ': clocks stay together' if !@clocks;

sub node ($n) {
    my $room = $rooms[$n - 1];
    return (host => $room->here('web'), wrap => [$room->inside, @clocks ? $clocks[$n - 1]->inside : ()],
        store_at => 'memcache:' . join ',', $room->there('storea') . ':' . $stores[0]->port,
            $room->there('storeb') . ':' . $stores[1]->port);
}

# httpd looks for children that were killed once a second, and meanwhile nobody answers.
my $crowd = ABSwitch::Crowd->new(store => \@stores, nodes => NODES, sides => [qw(A B C)], node => \&node, slow => 3);
my $faults = ABSwitch::Faults->new(crowd => $crowd, stores => \@stores, rooms => \@rooms, clocks => \@clocks);

my (@took, @late, %met);
my $end = time + $seconds;
for (my $round = 1; time < $end; $round++) {
    my @drawn = $faults->draw;
    my $what = join ' + ', map { $faults->name($_) } @drawn;
    $met{ $faults->name($_) }++ for @drawn;
    $faults->break($_) for @drawn;
    $crowd->live(0.5 + rand 5);
    $crowd->somebody_leaves if rand() < 0.5 && time > $faults->ahead_until;
    $faults->mend($_) for reverse @drawn;
    my $wait = max map { $faults->wait($_) } @drawn;
    my $took = $crowd->right_within($wait + 30);
    my $limit = $wait + ABSwitch::Crowd::WITHIN;
    my $says = "round $round, $what: " . (defined $took ? sprintf 'right after %.1f s', $took : 'never right');
    diag $says;
    push @took, [$took, $what] if defined $took;
    next if defined $took && $took <= $limit;
    push @late, "$says, not within $limit s; " . $crowd->said;
    last if !defined $took;
}

is_deeply \@late, [], 'the counts and one switch within three syncs';
is_deeply $crowd->{interrupted}, [], "no user was interrupted in $crowd->{clicks} requests";
is_deeply $crowd->{false}, [], "never drained in $crowd->{looks} looks at a node";
my @sorted = sort { $a->[0] <=> $b->[0] } @took;
diag sprintf '%d rounds: %s', scalar @took, join ', ', map { "$_ $met{$_}" } sort keys %met;
diag sprintf 'interrupted: %d of %d requests; false "drained": %d of %d looks', scalar $crowd->{interrupted}->@*,
    $crowd->{clicks}, scalar $crowd->{false}->@*, $crowd->{looks};
diag sprintf 'right again after: median %.1f s, longest %.1f s (%s)', $sorted[ @sorted / 2 ][0], $sorted[-1]->@*
    if @sorted;
$crowd->live($faults->ahead_until - time) if time < $faults->ahead_until;
$crowd->ends_well;
done_testing;
