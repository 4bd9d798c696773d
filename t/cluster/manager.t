#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Managers of a cluster: any node takes orders, one of two at once wins, a store that is away or hangs is said.

use v5.36;
use Test::More;
use Time::HiRes qw(time);
use ABSwitch::Cluster;
use ABSwitch::Manager;
use ABSwitch::Memcached;
use ABSwitch::Site;
use ABSwitch::Wait;

plan skip_all => 'there is no memcached' if !ABSwitch::Memcached->is_here;

use constant SOON => 5;
use constant OTHER => 'ab' x 32;

sub cluster (%o) {
    my $cluster = ABSwitch::Cluster->new(store => $o{store} // ABSwitch::Memcached->new->start,
        server => ABSwitch::Cluster::PATIENT, conf => ABSwitch::Manager::OPEN, %o)->start;
    poll(3 * SOON, sub { $cluster->all_say('A', 'sessions', 0) }) || die 'the cluster does not come up';
    return ($cluster, map { ABSwitch::Manager->new($_) } $cluster->nodes);
}

# What every running node says of its switch: generations alike, or a list of them.
sub all_at ($cluster) {
    my %seen = map { $_ => 1 } $cluster->generations;
    return join ' ', sort keys %seen;
}

sub said ($r) { return $r->status . ' ' . ($r->json->{generation} // $r->json->{error}) }

subtest 'one order for three nodes' => sub {
    my ($cluster, @managers) = cluster();
    my $start = time;
    is said($managers[1]->order(action => 'flip', side => 'B', note => 'v2')), '200 1', 'a flip at the second node';
    is_deeply [$cluster->node(1)->status->{switch}->@{qw(generation by note)}], [1, '127.0.0.1', 'v2'],
        'in force there at once';
    is $cluster->node(1)->status->{log}[0]{note}, 'v2', 'and in its log';
    ok poll(SOON, sub { all_at($cluster) eq '1' }), 'in force on every node';
    note sprintf 'after %.2f s, with a sync of 0.2 s', time - $start;
    like $cluster->store->get('abswitch:contact:switch'),
        qr/\AA=0 B=1 gen=1 at=\d+ by=127\.0\.0\.1 node=web2 since=A:\d+ note=v2$/, 'the key';
    ok poll(SOON, sub { !grep { ($_->status->{log}[0]{note} // '') ne 'v2' } $cluster->nodes }), 'the log of every node';
    ok poll(SOON, sub { -e $cluster->node(1)->path('run/abswitch/contact.switch') }), 'and the node\'s own memory of it';

    # Faster than the sync: each order is made from the one before, wherever that was taken.
    for my $i (0 .. 8) {
        my $manager = $managers[$i % 3];
        my $r = $manager->order(action => 'weights', weights => 'A=' . ($i + 1) . ' B=1', generation => $i + 1);
        is said($r), '200 ' . ($i + 2), "order $i";
    }
    is said($managers[2]->order(action => 'rollback', generation => 10)), '200 11', 'back at once';
    ok poll(SOON, sub { all_at($cluster) eq '11' }), 'all at 11';
    is_deeply [map { $_->{switch}{weights} } map { $_->status } $cluster->nodes], [({ A => 8, B => 1 }) x 3],
        'to the record before the last';
    ok poll(SOON, sub { $cluster->node(0)->status->{log}->@* == 11 }), 'no record is missing in the log';
    my $r = $managers[0]->order(action => 'flip', side => 'A', generation => 3);
    like said($r), qr/\A409 .*meanwhile.*generation 11\)/, 'who saw an old one is told the present one';
    my $lines = () = $cluster->node(1)->{log}->text =~ /switch of contact: A=0 B=1 \(generation 1,/g;
    is $lines, 1, 'the node that took it tells of it once';
    $cluster->logs_are_clean;
};

subtest 'several managers at once' => sub {
    my ($cluster, @managers) = cluster();
    for my $round (0 .. 5) {
        my $key = $managers[0]->key;
        my @open = map { $_->client->open } @managers;
        my @text = map {
            my $form = $managers[$_]->form(
                action => 'weights', weights => 'A=' . ($_ + 1) . " B=$round", generation => $round, token => $key);
            "POST /abswitch-manager HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nContent-Type: "
                . "application/x-www-form-urlencoded\r\nContent-Length: ${\ length $form}\r\n\r\n$form"
        } 0 .. $#managers;
        $open[$_]->send($text[$_]) for 0 .. $#managers;
        my @r = map { $_->response('POST') } @open;
        is_deeply [sort map { $_->status } @r], [200, 409, 409], "round $round: one wins" or diag map { $_->body } @r;
        ok poll(SOON, sub { all_at($cluster) eq $round + 1 }), "round $round: one generation";
        my ($winner) = grep { $r[$_]->status == 200 } 0 .. $#r;
        is_deeply [map { $_->status->{switch}{weights}{A} } $cluster->nodes], [($winner + 1) x 3], "round $round: the winner's"
            if defined $winner;
    }
    $cluster->logs_are_clean;
};

subtest 'a form from any node, while keys are rotated' => sub {
    my ($old, $new) = ('k ' . ABSwitch::Site::SECRET, 'n ' . OTHER);
    my ($cluster, @managers) = cluster(nodes => 2);
    $cluster->node(0)->write('conf/secret', "$old\n$new\n", 0600);
    $cluster->node(1)->write('conf/secret', "$new\n$old\n", 0600);
    $_->graceful for $cluster->nodes;
    my @keys = map { $_->key } @managers;
    like $keys[0], qr/\Ak\./, 'the first node signs with the old key';
    like $keys[1], qr/\An\./, 'the second with the new one';
    is said($managers[1]->order(action => 'flip', side => 'B', token => $keys[0])), '200 1', 'the second takes the first\'s';
    ok poll(SOON, sub { all_at($cluster) eq '1' }), 'both know';
    is said($managers[0]->order(action => 'flip', side => 'A', token => $keys[1])), '200 2', 'the first takes the second\'s';
    $cluster->node(1)->write('conf/secret', "$new\n", 0600);
    $cluster->node(1)->graceful;
    is $managers[1]->order(action => 'flip', side => 'B', token => $keys[0])->status, 403, 'until the old key is gone';
    $cluster->logs_are_clean;
};

subtest 'a store that is away, or hangs' => sub {
    my ($cluster, $ann) = cluster(nodes => 1, server => 'ABSwitchStoreTimeout 2s');
    my $store = $cluster->store;
    is said($ann->order(action => 'flip', side => 'B')), '200 1', 'while all is well';
    for my $how (qw(pause kill)) {
        $store->$how;
        my $start = time;
        my $r = $ann->order(action => 'flip', side => 'A', generation => 1);
        note sprintf '%s: answered after %.2f s', $how, time - $start;
        like said($r), qr/\A503 the store did not answer/, "$how: 503";
        is $cluster->node(0)->status->{switch}{generation}, 1, "$how: the switch stays as it is";
        is $cluster->node(0)->client->get('/contact', Accept => 'text/html')->location, '/contact/B/', "$how: people are served";
        my $page = $ann->send($ann->form(action => 'flip', side => 'A', generation => 1), Accept => 'text/html');
        is $page->status, 503, "$how: a page says so";
        like $page->body, qr{<p class="lead">The store did not answer}, '... in a sentence';
        $how eq 'pause' ? $store->resume : $store->start;
        ok poll(15, sub { ($cluster->whole->{store}{state} // '') eq 'up' && defined $cluster->node(0)->side('A')->{sessions} }),
            "$how: it is back";
        is $cluster->node(0)->status->{switch}{generation}, 1, "$how: nothing was done afterwards";
    }
    ok poll(SOON, sub { ($store->get('abswitch:contact:switch') // '') =~ /gen=1 / }), 'the record is put back';
    is said($ann->order(action => 'flip', side => 'A', generation => 1)), '200 2', 'and orders are taken again';
    $cluster->expect_log(qr/store|contact/);
};

subtest 'one of two mirrors is lost' => sub {
    my @stores = map { ABSwitch::Memcached->new->start } 1 .. 2;
    my ($cluster, $ann, $bob) = cluster(store => \@stores, nodes => 2, server => 'ABSwitchStoreTimeout 2s');
    my $generation = 0;
    for my $row ([0, 'pause', $bob], [1, 'kill', $ann]) {
        my ($lost, $how, $manager) = @$row;
        $stores[$lost]->$how;
        my $r = $manager->order(action => 'weights', weights => 'A=1 B=' . ($generation + 2), generation => $generation);
        is said($r), '200 ' . ++$generation, "$how of the " . ($lost ? 'second' : 'first') . ': an order is taken';
        ok poll(15, sub { all_at($cluster) eq $generation }), '... both nodes have it';
        $how eq 'pause' ? $stores[$lost]->resume : $stores[$lost]->start;
        ok poll(20, sub { !grep { ($_->get('abswitch:contact:switch') // '') !~ /gen=$generation / } @stores }),
            '... and both stores, when it is back';
        ok poll(20, sub { $cluster->whole($_)->{store}{state} eq 'up' }), "... node $_ sees both" for 0, 1;
    }
    is_deeply [map { $_->{generation} } $cluster->node(0)->status->{log}->@*], [reverse 1 .. $generation], 'the log is whole';
    $cluster->expect_log(qr/store|contact/);
};

subtest 'a change of somebody else\'s that is on its way' => sub {
    my ($cluster, @managers) = cluster(sync => '1s', nodes => 2);
    is said($managers[0]->order(action => 'flip', side => 'B')), '200 1', 'a flip here';
    my $r = $managers[1]->order(action => 'flip', side => 'B', generation => 0);
    like said($r), qr/\A409 .*meanwhile.*generation 1\)/, 'is known there from the store, before the sync';
    is said($managers[1]->order(action => 'flip', side => 'A', generation => 1)), '200 2', 'and can be followed at once';
    is $cluster->node(1)->status->{switch}{generation}, 2, 'in force there';
    ok poll(SOON + 4, sub { all_at($cluster) eq '2' }), 'on both';
    $cluster->logs_are_clean;
};

subtest 'retiring a node' => sub {
    my ($cluster, @managers) = cluster();
    my $ann = $managers[0];
    like said($ann->order(action => 'retire', node => 'web3')), qr/\A409 the node is live/, 'not a live one';
    like said($ann->order(action => 'retire', node => 'web1')), qr/\A409 the node is live/, 'nor this one';
    like said($ann->order(action => 'retire', node => 'web9')), qr/\A409 no node of that name/, 'nor one that is not there';
    ok $ann->order(action => 'flip', side => 'B')->json->{ok}, 'A drains';
    ok poll(SOON, sub { all_at($cluster) eq '1' }), 'everywhere';
    $cluster->node(2)->kill_all;
    ok poll(SOON, sub { ($cluster->peer(0, 'web3') // {})->{state} eq 'silent' }), 'a node is killed';
    $cluster->comes_to('nobody knows about A', SOON, 'A', drain => 'unknown', reason => qr/web3/);
    my $html = $cluster->node(0)->client->get('/abswitch-manager')->body;
    like $html, qr{<summary>Retire web3</summary>}, 'the page offers to retire it';
    unlike $html, qr{<summary>Retire web[12]</summary>}, 'and no other';
    like said($ann->order(action => 'retire', node => 'web3', generation => 0)), qr/\A409 .*generation 1\)/, 'not by an old page';
    is said($ann->order(action => 'retire', node => 'web3', note => 'burnt down')), '200 1', 'by the present one';
    is $cluster->peer(0, 'web3'), undef, 'this node does not show it any more';
    is_deeply [$cluster->roster], [qw(web1 web2)], 'it is off the roster';
    ok poll(SOON, sub { !$cluster->peer(1, 'web3') }), 'the other node forgets it';
    $cluster->comes_to('and A is drained', SOON, 'A', drain => 'drained');
    like $cluster->node(0)->{log}->text, qr/node web3 of contact is struck off the roster by 127\.0\.0\.1: burnt down/,
        'the error log tells';
    $cluster->node(2)->start;
    ok poll(SOON, sub { (($cluster->peer(0, 'web3') // {})->{state} // '') eq 'live' }), 'it enters again when it comes back';
    $cluster->expect_log(qr/state file|not stopped in order|unclean|clean/);
};

done_testing;
