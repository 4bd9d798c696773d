#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Nodes that leave, come back, start anew, are gone for good, or have one name.

use v5.36;
use Test::More;
use Time::HiRes qw(time);
use ABSwitch::Cluster qw(SOON cluster);
use ABSwitch::Host qw(run);
use ABSwitch::Memcached;
use ABSwitch::Wait;

plan skip_all => 'there is no memcached' if !ABSwitch::Memcached->is_here;

subtest 'a node leaves and comes back' => sub {
    my $cluster = cluster(app => "ABSwitchLogout /logout\nABSwitchIdleTimeout 30s");
    my $store = $cluster->store;
    my $web3 = $cluster->node(2);
    my ($anna, $bob) = map { $cluster->token } 1 .. 2;
    $cluster->click($web3->client, $_) for $anna, $bob;
    $cluster->flip('B');
    $cluster->comes_to('two users on web3', SOON, 'A', sessions => 2, drain => 'draining');

    $web3->stop;
    my $state = sub (@nodes) { join ' ', map { $cluster->peer($_, 'web3')->{state} } @nodes };
    wait_for 'the others to see it leave', SOON, sub { ($_ = $state->(0, 1)) eq 'left left' };
    holds 'its users still count, and nothing is unknown', 2, sub {
        return grep { $_ ne 'draining' } $cluster->each_side('A', 'drain');
    };
    $cluster->comes_to('both of them', SOON, 'A', sessions => 2);

    $cluster->click($cluster->node(0)->client, $anna);
    $cluster->comes_to('who goes on elsewhere is no third one', SOON, 'A', sessions => 2);
    $cluster->click($cluster->node(0)->client, $anna, '/contact/A/logout');
    $cluster->comes_to('and can log out there', SOON, 'A', sessions => 1, drain => 'draining');

    $web3->start;
    wait_for 'it to come back', SOON, sub { ($_ = $state->(0 .. 2)) eq 'live live live' };
    $cluster->comes_to('with the one who has not logged out meanwhile', SOON, 'A', sessions => 1, drain => 'draining');
    wait_for 'and the switch', SOON, sub { ($_ = $web3->status->{switch}{generation}) == 1 };

    $web3->stop;
    $cluster->comes_to('the last one goes idle, and A is drained without web3', 40, 'A', sessions => 0, drain => 'drained');
    wait_for 'web3 to be off the roster', 40, sub { $_ = join ' ', $cluster->roster; $_ eq 'web1 web2' };
    $web3->start;
    wait_for 'and on it again when it is back', SOON, sub { $_ = join ' ', $cluster->roster; /web3/ };
    $cluster->logs_are_clean;
};

subtest 'restarts' => sub {
    my $cluster = cluster();
    my $client = $cluster->balancer;
    my @tokens = map { $cluster->token } 1 .. 30;
    $cluster->click($client, $_) for @tokens;
    $cluster->flip('B');
    $cluster->comes_to('thirty users', SOON, 'A', sessions => 30, drain => 'draining');
    my $web2 = $cluster->node(1);
    for my $how (qw(graceful restart stop kill_all)) {
        $web2->$how;
        $web2->start if !$web2->pid;
        my $interrupted = grep { ($cluster->click($client, $_)->header('X-Verdict') // '') ne 'pass' } @tokens;
        is $interrupted, 0, "$how: no user is interrupted";
        $cluster->comes_to("$how: thirty users", SOON, 'A', sessions => 30, drain => 'draining', exact => 1);
    }
    # Its table is lost, not so what it said last. After a clean stop that was all there was to say.
    $web2->stop;
    run('rm', '-f', $web2->state_dir . '/table');
    $web2->start;
    $cluster->comes_to('a node without its table inherits what it had said', SOON, 'A', sessions => 30, drain => 'draining');
    $web2->kill_all;
    run('rm', '-f', $web2->state_dir . '/table');
    $web2->start;
    my ($looks, @wrong) = watch(2, sub { grep { $_ eq 'drained' } $cluster->each_side('A', 'drain') });
    is_deeply \@wrong, [], 'killed, somebody may have come after its last word: never drained';
    $cluster->comes_to('and those it had named are counted', SOON, 'A', sessions => 30, drain => qr/draining|unknown/);
    $cluster->expect_log(qr/session table|table/);
    $cluster->logs_are_clean;
};

subtest 'two nodes of one name' => sub {
    my $cluster = cluster(app => 'ABSwitchIdleTimeout 6s',
        node => sub ($n) { (called => 'web' . ($n == 3 ? 2 : $n)) });
    $cluster->flip('B');
    $cluster->comes_to('make the drain unknown, and are named', 10, 'A',
        drain => 'unknown', reason => qr/two nodes are called web2/);
    like $cluster->node(0)->client->get('/abswitch-status')->body, qr/two nodes are called web2/, 'on the page, too';
    my ($looks, @wrong) = watch(2, sub { grep { $_ eq 'drained' } $cluster->each_side('A', 'drain') });
    is_deeply \@wrong, [], "never drained ($looks looks)";
    $cluster->node(2)->stop;
    $cluster->comes_to('one of them stops, and what it counted is not known', 10, 'A',
        drain => 'unknown', reason => qr/web2 learns its sessions anew until/);
    $cluster->comes_to('for an idle time-out; then all is well', 10, 'A', drain => 'drained');
    $cluster->expect_log(qr/web2/);
    $cluster->logs_are_clean;
};

subtest 'ABSwitchRetireAfter' => sub {
    my $cluster = cluster(server => 'ABSwitchRetireAfter 3s', app => 'ABSwitchIdleTimeout 5s');
    $cluster->flip('B');
    $cluster->click($cluster->node(2)->client, $cluster->token);
    $cluster->comes_to('somebody is on web3', SOON, 'A', sessions => 1);
    $cluster->node(2)->kill_all;
    $cluster->comes_to('it is killed: unknown', SOON, 'A', drain => 'unknown', reason => qr/web3/);
    $cluster->comes_to('later it is struck off, and A is drained', 25, 'A', drain => 'drained');
    is_deeply [$cluster->roster], [qw(web1 web2)], 'the roster';
    $cluster->node(2)->start;
    wait_for 'it to be back', SOON, sub { $_ = join ' ', $cluster->roster; /web3/ };
    $cluster->comes_to('all is well', 10, 'A', drain => 'drained');
    $cluster->expect_log(qr/web3/);
    $cluster->logs_are_clean;
};

subtest 'a node that is gone, taken off the roster by hand' => sub {
    my $cluster = cluster();
    my $key = $cluster->key('nodes');
    $cluster->flip('B');
    $cluster->click($cluster->node(2)->client, $cluster->token);
    $cluster->comes_to('somebody is on web3', SOON, 'A', sessions => 1);
    $cluster->node(2)->kill_all;
    $cluster->comes_to('it is killed: unknown', SOON, 'A', drain => 'unknown', reason => qr/web3/);
    $cluster->store->set($key, $cluster->store->get($key) =~ s/ web3\b//r);
    $cluster->comes_to('without it, A is drained', SOON, 'A', sessions => 0, drain => 'drained');
    is_deeply [$cluster->roster], [qw(web1 web2)], 'nobody has put it back';
    $cluster->node(2)->start;
    $cluster->comes_to('it is back, with its session', 10, 'A', sessions => 1, drain => 'draining');
    $cluster->expect_log(qr/web3/);
    $cluster->logs_are_clean;
};

subtest 'responses of all nodes' => sub {
    my $cluster = cluster(conf => "Redirect 503 /contact/B/broken\n");
    my ($web1, $web2, $web3) = $cluster->nodes;
    my $classes = sub ($r) { join ' ', map { $r->{$_} } qw(2xx 3xx 4xx 5xx) };
    my $says = sub ($site, $side = 'B') { my $r = $site->side($side)->{responses}; $classes->($r) . ', ' . $classes->($r->{recent}) };
    $web1->client->get('/contact/B/') for 1 .. 3;
    $web2->client->get('/contact/B/broken') for 1 .. 6;
    $web2->client->get('/contact/A/');
    for my $site ($cluster->nodes) {
        wait_for $site->name . ' to know of all', SOON, sub { ($_ = $says->($site)) eq '3 0 0 6, 3 0 0 6' };
        wait_for 'and of the other side', SOON, sub { ($_ = $says->($site, 'A')) eq '1 0 0 0, 1 0 0 0' };
    }
    like $web3->client->get('/abswitch-status?format=prometheus')->body,
        qr/^abswitch_responses_total\{app="contact",side="B",class="5xx"\} 0$/m, 'a metric is the node\'s own';
    wait_for 'a histogram of all of them', SOON, sub { ($_ = $web3->side('B')->{responses}{seconds}{buckets}{'+Inf'}) == 9 };

    $web2->stop;
    wait_for 'the one that failed to leave', SOON, sub { ($_ = $cluster->peer(0, 'web2')->{state}) eq 'left' };
    wait_for 'what it did of late to go with it', SOON, sub { ($_ = $says->($web1)) =~ /, 3 0 0 0\z/ };
    $web2->start;
    wait_for 'it to begin anew', SOON, sub { ($_ = $says->($web3)) eq '3 0 0 0, 3 0 0 0' };
    $cluster->logs_are_clean;
};

done_testing;
