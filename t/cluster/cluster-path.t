#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The request path makes no memcached call: counted by memcached itself, and felt when it hangs.

use v5.36;
use List::Util qw(max);
use Test::More;
use Time::HiRes qw(sleep time);
use ABSwitch::Cluster;
use ABSwitch::Memcached;
use ABSwitch::Wait;

plan skip_all => 'there is no memcached' if !ABSwitch::Memcached->is_here;

use constant ROUNDS => 150;

# Every kind of request there is, once each; returns the longest time that one took.
sub everything ($cluster, $client, $odd) {
    my $token = $cluster->token;
    my @asked = (
        ['GET', '/contact', 302], ['POST', '/contact', 303],
        ['GET', '/contact', 302, $token], ['GET', '/contact/A/', 200, $token],
        ['GET', '/contact/B/', 302, $token], ['GET', '/contact/A/', 200], ['GET', '/contact/A/index.html', 200, $token],
        ['GET', '/contact/A/logout', 404, $token], ['GET', '/contact/nowhere', 302], ['GET', '/door/B', 302],
        ['GET', '/contact/A/', 302, $cluster->token(login => int(time) - 9 * 3600)],
        (map { ['GET', "/abswitch-status$_", 200] } '', '?format=json', '?format=prometheus', '?format=text'),
    );
    my $longest = 0;
    for my $ask (@asked) {
        my ($method, $path, $status, $with) = @$ask;
        my $start = time;
        my @headers = (Accept => 'text/html', 'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Site' => 'none');
        push @headers, Cookie => "abswitch_contact=$with" if $with;
        my $r = $client->request($method, $path, headers => \@headers, $method eq 'POST' ? (body => '') : ());
        $longest = max $longest, time - $start;
        push @$odd, "$method $path: " . $r->status if $r->status != $status;
    }
    return $longest;
}

my $app = "ABSwitchLogout /logout\nABSwitchOverride /door true";

subtest 'memcached counts its commands' => sub {
    my $store = ABSwitch::Memcached->new->start;
    my $cluster = ABSwitch::Cluster->new(
        store => $store, nodes => 2, sync => '60s', server => ABSwitch::Cluster::PATIENT, app => $app)->start;
    my $key = $cluster->key('node:web');
    wait_for 'the first sync of both', 10, sub {
        $_ = join ' ', $store->keys(qr/node:/);
        $store->get("${key}1") && $store->get("${key}2");
    };
    $store->stats;
    # Until what the first sync has to say has been said.
    my $last = '';
    poll(10, sub {
        my $now = join ' ', map { $store->stats($_) } qw(cmd_set cmd_get);
        my $rests = $now eq $last;
        $last = $now;
        return $rests;
    });
    sleep 1;
    my $asking = -$store->stats('bytes_read') + $store->stats('bytes_read');
    my %before = $store->stats->%*;
    my ($client, @odd) = $cluster->balancer;
    everything($cluster, $client, \@odd) for 1 .. ROUNDS;
    my %after = $store->stats->%*;
    is_deeply \@odd, [], 'requests of every kind';
    my @counters = grep { /\A(?:cmd_|get_|set_|touch_|delete_|incr_|decr_|cas_|(?:total|curr)_(?:connections|items))/ }
        keys %before;
    ok @counters > 15, 'memcached counts';
    is_deeply { map { $_ => $after{$_} - $before{$_} } @counters }, { map { $_ => 0 } @counters },
        'no command, no connection';
    is $after{bytes_read} - $before{bytes_read}, $asking, 'not a byte but those of our own question';
    $cluster->logs_are_clean;
};

sub p99 (@times) {
    return (sort { $a <=> $b } @times)[ 0.99 * @times ];
}

# A machine that is busy with something else is slow now and then, so there are some tries: what waits for the store
# waits at each.
subtest 'a store that hangs is not felt' => sub {
    my $store = ABSwitch::Memcached->new->start;
    my $cluster = ABSwitch::Cluster->new(
        store => $store, nodes => 2, sync => '100ms', server => 'ABSwitchStoreTimeout 5s', app => $app)->start;
    $cluster->comes_to('it runs', 5, 'A', sessions => 0);
    my ($client, @odd) = $cluster->balancer;
    my $token = $cluster->token;
    my $passes = sub {
        return map {
            my $start = time;
            $cluster->click($client, $token)->status == 200 or push @odd, 'a pass';
            time - $start;
        } 1 .. 2000;
    };
    $passes->();
    my ($longest, $well, $hung);
    for (1 .. ABSwitch::Wait::PATIENCE) {
        $well = p99($passes->());
        $store->pause;
        sleep 0.3;
        $hung = p99($passes->());
        $longest = max map { everything($cluster, $client, \@odd) } 1 .. 30;
        $store->resume;
        diag sprintf 'p99 of passes: %.2f ms while all is well, %.2f ms while the store hangs', 1000 * $well, 1000 * $hung;
        last if $longest < 4 && $hung < 5 * $well + 0.02;
    }
    is_deeply \@odd, [], 'requests are served as before';
    cmp_ok $longest, '<', 4, 'none waits for the store';
    cmp_ok $hung, '<', 5 * $well + 0.02, 'nor is a pass slower than noise makes it';
    $cluster->expect_log(qr/\[abswitch:/);
    $cluster->logs_are_clean;
};

done_testing;
