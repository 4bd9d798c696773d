#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# 37 nodes behind a balancer without affinity, on this one machine: how long a flip takes to be in force on all of them,
# whether their counts are the truth, and what a sync costs. ABSWITCH_LONG=1 for 3,000 users in place of 300.

use v5.36;
use List::Util qw(max sum0);
use Test::More;
use Time::HiRes qw(sleep time);
use ABSwitch::Cluster;
use ABSwitch::Host qw(slurp);
use ABSwitch::Memcached;
use ABSwitch::Wait;

plan skip_all => 'there is no memcached' if !ABSwitch::Memcached->is_here;

use constant {
    NODES => 37,
    USERS => $ENV{ABSWITCH_LONG} ? 3000 : 300,
    SYNC  => 1,
};

my $store = ABSwitch::Memcached->new->start;
my $start = time;
my $cluster = ABSwitch::Cluster->new(
    nodes => NODES, store => $store, sync => SYNC . 's', server => ABSwitch::Cluster::PATIENT,
    mpm => (grep { $_ eq 'prefork' } ABSwitch::Httpd->mpms)[0] // 'event',
    app => 'ABSwitchLogout /logout');
$cluster->start;
diag sprintf '%d nodes started in %.1f s', NODES, time - $start;
$cluster->comes_to('all nodes report', 15, 'A', sessions => 0);
is scalar($cluster->node(0)->status->{nodes}->@*), NODES, 'each is on the page of the first';

# CPU seconds that a node's processes have used.
sub cpu ($site) {
    return sum0 map {
        my @field = split ' ', slurp("/proc/$_/stat") =~ s/.*\)//sr;
        ($field[11] + $field[12]) / 100;
    } $site->pid, $site->children;
}

subtest 'users without affinity' => sub {
    my $client = $cluster->balancer;
    my @tokens = map { $cluster->token(side => $_ % 3 ? 'A' : 'B') } 1 .. USERS;
    my %truth = (A => scalar(grep { /\.A\./ } @tokens), B => scalar(grep { /\.B\./ } @tokens));
    my $odd = 0;
    my $began = time;
    for my $round (1 .. 4) {
        for my $token (@tokens) {
            my ($side) = $token =~ /\A1\.k\.(\w)/;
            $odd++ if ($cluster->click($client, $token, "/contact/$side/")->header('X-Verdict') // '') ne 'pass';
        }
    }
    diag sprintf '%d requests in %.1f s', 4 * USERS, time - $began;
    is $odd, 0, 'everybody is served';
    my @took = map {
        $cluster->comes_to("the count of $_ is the truth, on every node", 2 * SYNC + 3, $_, sessions => $truth{$_}, exact => 1);
    } qw(A B);
    diag sprintf 'counts were right %.1f s after the last request', $took[0];
    for my $side (qw(A B)) {
        wait_for "it to be in the key of $side", 5, sub {
            ($_ = $store->get($cluster->key("count:$side")) // '') =~ /\A$truth{$side}\s*\z/;
        };
    }
    my $shown = sum0 map { $_->{sessions}{A} } $cluster->node(5)->status->{nodes}->@*;
    cmp_ok $shown, '>', $truth{A}, 'though most were seen by several';

    my %item = $store->items;
    my @members = grep { /:members:/ } keys %item;
    my $bytes = sum0 map { $item{$_}{size} } @members;
    my $seen = sum0 map { values $_->{sessions}->%* } $cluster->node(5)->status->{nodes}->@*;
    diag sprintf 'memcached: %d keys, %d bytes; %d bytes of members for each 1,000 sessions of a node',
        scalar keys %item, sum0(map { $_->{size} } values %item), 1000 * $bytes / max 1, $seen;

    # Half of A logs out, each wherever the balancer sends them.
    my @leaving = grep { /\A1\.k\.A/ } @tokens;
    splice @leaving, @leaving / 2;
    $cluster->click($client, $_, '/contact/A/logout') for @leaving;
    $cluster->comes_to('half of A logs out', 2 * SYNC + 3, 'A', sessions => $truth{A} - @leaving);
    $client->close;
};

subtest 'a flip' => sub {
    # Who is served late by a busy machine is late: so many rounds have to be in time, of so many.
    use constant { IN_TIME => 3, ROUNDS => 12 };
    my (@took, @worst);
    my @direct = map { $_->client->connection } $cluster->nodes;
    my $to = 'A';
    while (@worst < ROUNDS && IN_TIME > grep { $_ <= 2 * SYNC + 0.5 } @worst) {
        $to = $to eq 'A' ? 'B' : 'A';
        sleep rand SYNC;
        my $written = time;
        $cluster->write_switch($to);
        my %waiting = map { $_ => 1 } 0 .. NODES - 1;
        while (%waiting && time < $written + 60) {
            for my $i (keys %waiting) {
                my $r = $direct[$i]->get('/contact', Accept => 'text/html');
                if (($r->location // '') eq "/contact/$to/") {
                    push @took, time - $written;
                    delete $waiting{$i};
                }
            }
            sleep 0.02;
        }
        is scalar(keys %waiting), 0, "the flip to $to is in force on all nodes";
        push @worst, time - $written;
    }
    $_->close for @direct;
    @took = sort { $a <=> $b } @took;
    diag sprintf 'in force after %.2f s (median), %.2f s (worst)', $took[ @took / 2 ], $took[-1];
    # Half a sync for looking at 37 nodes in turn.
    cmp_ok scalar(grep { $_ <= 2 * SYNC + 0.5 } @worst), '>=', IN_TIME, 'within two syncs' or diag "@worst";
    is_deeply [$cluster->generations], [(scalar @worst) x NODES], 'one generation for each';
};

subtest 'what a sync costs' => sub {
    my %before = map { $_->name => cpu($_) } $cluster->nodes;
    my $memcached = $store->stats;
    my $began = time;
    sleep 5;
    my $seconds = time - $began;
    my @cost = sort { $a <=> $b } map { (cpu($_) - $before{ $_->name }) / $seconds * SYNC } $cluster->nodes;
    my $now = $store->stats;
    diag sprintf 'CPU of a sync: %.1f ms (median node), %.1f ms (worst); memcached: %d gets and %d sets a second',
        1000 * $cost[ @cost / 2 ], 1000 * $cost[-1], map { ($now->{$_} - $memcached->{$_}) / $seconds } qw(cmd_get cmd_set);
    cmp_ok $cost[ @cost / 2 ], '<', 0.05 * SYNC, 'a node is idle between its syncs';
};

subtest 'a drain is proven by all of them' => sub {
    my ($side) = map { $_->{side} } grep { $_->{state} eq 'draining' } $cluster->node(0)->status->{sides}->@*;
    $cluster->comes_to('it is known on every node', 8, $side, drain => 'draining');
    $cluster->node(20)->kill_all;
    $cluster->comes_to('one node of many is killed: unknown', 8, $side, drain => 'unknown', reason => qr/web21/);
    $cluster->node(20)->start;
    $cluster->comes_to('it is back', 8, $side, drain => 'draining');
};

$cluster->expect_log(qr/web21|exit signal Killed/);
$start = time;
$cluster->stop;
diag sprintf 'stopped in %.1f s', time - $start;
$cluster->logs_are_clean;
done_testing;
