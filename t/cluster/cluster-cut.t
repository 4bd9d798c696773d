#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Nodes that are cut off from the store, or meet a server that answers slowly, wrongly or half: from what stands between
# them, and from a network namespace of their own.

use v5.36;
use Test::More;
use Time::HiRes qw(sleep time);
use ABSwitch::Cluster;
use ABSwitch::Crowd;
use ABSwitch::Memcached;
use ABSwitch::Network;
use ABSwitch::StoreProxy;
use ABSwitch::Wait;

plan skip_all => 'there is no memcached' if !ABSwitch::Memcached->is_here;

ABSwitch::Network->enter;

my $STORE = qr/store|memcached|server|127\.0\.0\.1/i;

# --- servers that are worse than dead -------------------------------------------------------------------------

subtest 'a server that answers badly' => sub {
    my $store = ABSwitch::Memcached->new->start;
    my $proxy = ABSwitch::StoreProxy->new(store => $store);
    my $crowd = ABSwitch::Crowd->new(store => $store, store_at => $proxy->directive);
    for my $mode (qw(cut refuse slow error half other garbage)) {
        $proxy->mode($mode);
        $crowd->unknown($mode, qr/./);
        diag "$mode: ", ($crowd->sides)[0]{reason};
        $proxy->mode('pass');
        $crowd->mended("$mode is over");
    }
    $crowd->ends_well;
};

subtest 'one node is cut off from the store' => sub {
    my $store = ABSwitch::Memcached->new->start;
    my @proxies = map { ABSwitch::StoreProxy->new(store => $store) } 1 .. 3;
    my $crowd = ABSwitch::Crowd->new(store => $store, node => sub ($n) { (store_at => $proxies[$n - 1]->directive) });
    my $cluster = $crowd->cluster;
    $proxies[2]->mode('cut');
    $crowd->unknown('cut', qr/web3|store|memcached|127\.0\.0\.1/);
    # On a busy machine the others, too, wait in vain for a proxy now and then.
    wait_for 'the others to say who is silent', 10, sub {
        $_ = join '; ', my @reasons = ($cluster->each_side('A', 'reason'))[0, 1];
        2 == grep { /web3/ } @reasons;
    };
    wait_for 'that one to say that it reaches no store', 5, sub { ($_ = ($cluster->each_side('A', 'reason'))[2]) =~ $STORE };

    # A flip that it cannot know of: its newcomers still land on A, and the drain waits for it.
    my $back = $cluster->node(2);
    $store->set($cluster->key('switch'), 'A');
    poll(10, sub { 2 == grep { $_ == 2 } $cluster->generations });
    is $back->status->{switch}{generation}, 1, 'it does not know of the next flip';
    $store->set($cluster->key('switch'), 'B');
    poll(10, sub { 2 == grep { $_ == 3 } $cluster->generations });
    $crowd->live(1);
    $proxies[2]->mode('pass');
    $crowd->mended('healed');
    wait_for 'it to have caught up', 5, sub { ($_ = join ' ', $cluster->generations) eq '3 3 3' };
    $crowd->ends_well;
};

# Each half of the cluster reaches another mirror, and is flipped there.
subtest 'flipped differently while cut apart' => sub {
    my @stores = map { ABSwitch::Memcached->new->start } 1 .. 2;
    my @proxies = map { my $n = $_; [map { ABSwitch::StoreProxy->new(store => $_) } @stores] } 1 .. 2;
    my $crowd = ABSwitch::Crowd->new(store => \@stores, nodes => 2, sides => [qw(A B C)],
        node => sub ($n) { (store_at => 'memcache:' . join ',', map { $_->address } $proxies[$n - 1]->@*) });
    my $cluster = $crowd->cluster;
    my $record = sub ($i) {
        my $weights = $cluster->node($i)->status->{switch}{weights};
        return join ' ', map { "$_=$weights->{$_}" } qw(A B C);
    };
    $proxies[0][1]->mode('cut');
    $proxies[1][0]->mode('cut');
    $crowd->live(1.5);
    $stores[0]->set($cluster->key('switch'), 'C');
    $stores[1]->set($cluster->key('switch'), 'B=1 C=1');
    my $apart = $crowd->live(50, sub (@) { $record->(0) eq 'A=0 B=0 C=1' && $record->(1) eq 'A=0 B=1 C=1' });
    ok defined $apart, 'each half has its own' or diag $record->(0), ' and ', $record->(1);
    $crowd->live(2);
    $_->mode('pass') for map { @$_ } @proxies;
    my $together = $crowd->live(60, sub (@) { $record->(0) eq $record->(1) });
    ok defined $together, 'together again, they have one';
    $crowd->mended('healed');
    my @same = map { join ' ', map { $_ // '' } @{ $_->status->{switch} }{qw(generation at by)} } $cluster->nodes;
    is $same[0], $same[1], 'the same record';
    wait_for 'it to be on both mirrors', 5, sub {
        my ($one, $other) = map { scalar $_->get($cluster->key('switch')) // '' } @stores;
        $_ = "$one, $other";
        $one eq $other;
    };
    $crowd->ends_well;
};

# --- with cables -----------------------------------------------------------------------------------------------

subtest 'a cable is pulled' => sub {
    plan skip_all => ABSwitch::Network->why_not if ABSwitch::Network->why_not;
    my $store = ABSwitch::Memcached->new(listen => '0.0.0.0')->start;
    my $room = ABSwitch::Network->new('web', 'store');      # one for its users, one for the store
    my @lodged = (wrap => [$room->inside], host => $room->here('web'),
        store_at => 'memcache:' . $room->there('store') . ':' . $store->port);
    my $crowd = ABSwitch::Crowd->new(store => $store, node => sub ($n) { $n == 3 ? @lodged : () });
    my $cluster = $crowd->cluster;
    wait_for 'a node in a network namespace of its own', 5, sub { ($_ = $cluster->peer(0, 'web3')->{state}) eq 'live' };
    for my $seconds (0, 6) {
        $room->pull('store');
        $crowd->unknown('pulled', qr/web3|store|memcached|10\.91/);
        wait_for 'the others to say who is silent', 5, sub { ($_ = ($cluster->each_side('A', 'reason'))[0]) =~ /web3/ };
        $crowd->live($seconds);
        $room->plug('store');
        $crowd->mended('plugged in');
    }
    $crowd->ends_well;
};

done_testing;
