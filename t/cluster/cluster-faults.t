#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# What breaks in a cluster, one after the other, under users at work. Whatever it is: no user is interrupted, nobody is
# told "drained" while a user is there, "unknown" has its reason, and once it is mended the counts are right again.

use v5.36;
use Test::More;
use Time::HiRes qw(sleep time);
use ABSwitch::Cluster;
use ABSwitch::Crowd;
use ABSwitch::Host qw(run);
use ABSwitch::Memcached;
use ABSwitch::Wait;

plan skip_all => 'there is no memcached' if !ABSwitch::Memcached->is_here;

use constant { map { $_ => ABSwitch::Crowd->can($_)->() } qw(SYNC USERS) };

# Users on side A, which drains.
sub crowd (%o) {
    my $store = delete $o{store} // ABSwitch::Memcached->new(args => delete $o{args} // [])->start;
    return ABSwitch::Crowd->new(store => $store, %o);
}

# For what needs no time-out: a memcached that is well is waited for.
sub patient_crowd (%o) { return crowd(server => ABSwitch::Cluster::PATIENT, %o) }

my $STORE = qr/store|memcached|server|127\.0\.0\.1/i;

subtest 'memcached is killed, and starts empty' => sub {
    my $crowd = patient_crowd();
    my $epoch = $crowd->{cluster}->whole->{store}{epoch};
    my ($store, $cluster) = @$crowd{qw(store cluster)};
    $store->kill;
    $crowd->unknown('killed', $STORE);
    ok poll(5, sub { $crowd->store_is('down') }), 'the store is down';
    is_deeply [map { $_->{sessions} } $crowd->sides], [undef, undef, undef], 'sessions are not known, and not 0';
    is_deeply [map { $_->{drain} } map { $_->side('B') } $cluster->nodes], [qw(open open open)], 'an open side is open';
    like $cluster->node(0)->client->get('/abswitch-status')->body, qr/store is down/i, 'the page says so';
    my $newcomer = $cluster->browser;
    is $newcomer->type_in('/contact')->location, '/contact/B/', 'newcomers land where they landed';
    $store->start;
    $crowd->mended('started');
    ok poll(5, sub { $crowd->store_is('up') }), 'the store is up';
    isnt $cluster->whole->{store}{epoch}, $epoch, 'the epoch is another';
    like $store->get($cluster->key('switch')), qr/gen=1 /, 'the switch is there again';
    my @lines = grep { /\[abswitch:(?:error|warn)/ } split /\n/, $cluster->node(0)->log_text;
    cmp_ok scalar @lines, '<=', 6, 'the error log says it in a few lines' or diag join "\n", @lines;
    $crowd->ends_well;
};

subtest 'memcached hangs, and goes on' => sub {
    my $crowd = crowd();
    $crowd->{store}->pause;
    $crowd->unknown('stopped', $STORE);
    $crowd->{store}->resume;
    $crowd->mended('continued');
    # For a blink only: nothing that was known is lost for long.
    $crowd->{store}->pause;
    $crowd->live(0.1);
    $crowd->{store}->resume;
    $crowd->mended('a blink');
    $crowd->ends_well;
};

subtest 'flush_all' => sub {
    my $crowd = patient_crowd();
    for (1 .. 3) {
        $crowd->{store}->flush;
        $crowd->mended('flushed', 3 * SYNC);
    }
    like $crowd->{store}->get($crowd->{cluster}->key('switch')), qr/gen=1 /, 'the switch is there';
    $crowd->ends_well;
};

subtest 'memcached is full' => sub {
    my $crowd = crowd(args => ['-M', '-m', 2, '-n', 1000, '-f', 2]);
    my $store = $crowd->{store};
    # What a set that is refused leaves behind is room for the next one, until we have that, too.
    my $n = 0;
    my $fill = sub {
        for my $size (10, 1500, 3500, 7000) {
            1 while $store->set('fill:' . ++$n, 'x' x $size) && $n < 100_000;
        }
    };
    $fill->();
    ok $n < 100_000, "it is full after $n values";
    my $seen = $crowd->live(30, sub (@sides) { $fill->(); !grep { $_->{drain} ne 'unknown' } @sides });
    ok defined $seen, 'unknown, on every node';
    is_deeply [grep { $_->{reason} eq '' } $crowd->sides], [], 'with a reason';
    diag 'full: ', ($crowd->sides)[0]{reason};
    $store->delete($_) for $store->keys(qr/\Afill:/);
    $crowd->mended('room again');
    $crowd->ends_well;
};

subtest 'every key, evicted in turn' => sub {
    my $crowd = patient_crowd();
    my $store = $crowd->{store};
    my @keys = $store->keys(qr/\Aabswitch/);
    for my $key (@keys) {
        ok $store->delete($key), "$key is evicted" or next;
        $crowd->mended($key, 3 * SYNC);
    }
    my @missing;
    poll(5, sub { !(@missing = grep { !defined $store->get($_) && !/:(?:log|drained)\z/ } @keys) });
    is_deeply \@missing, [], 'all are there again';
    # All of one kind at once, and everything but the epoch.
    for my $kind (qr/:node:/, qr/:members:/, qr/:(?!epoch)[^:]+(?::|\z)/) {
        $store->delete($_) for grep { /\Aabswitch:contact$kind/ } $store->keys;
        $crowd->mended("all of $kind", 3 * SYNC);
    }
    $crowd->ends_well;
};

subtest 'too many connections' => sub {
    my $crowd = crowd(args => ['-c', 40]);
    my $store = $crowd->{store};
    my @hogs;
    my $hog = sub { while (@hogs < 100) { my $hog = $store->hog or last; push @hogs, $hog } return };
    $hog->();
    ok @hogs > 3, 'all connections are taken';
    $store->hang_up;
    # Children lose theirs, and those who take over find the places taken.
    for (1 .. 20) {
        kill 'KILL', map { $_->children } $crowd->{cluster}->nodes;
        watch(0.3, sub { $hog->() });
        last if $crowd->live(2, sub (@sides) { $crowd->store_is('down') });
    }
    $crowd->unknown('refused', $STORE);
    @hogs = ();
    $crowd->mended('free again');
    $crowd->ends_well;
};

subtest 'a node is killed, and starts again' => sub {
    my $crowd = patient_crowd();
    my $cluster = $crowd->{cluster};
    my $web2 = $cluster->node(1);
    $web2->kill_all;
    $crowd->unknown('killed', qr/web2/);
    is $cluster->peer(0, 'web2')->{state}, 'silent', 'it is silent';
    is_deeply [map { $_->{sessions} } $crowd->sides], [USERS, USERS], 'its last record still counts';
    $web2->start;
    $crowd->mended('started', 3 * SYNC);
    my $is_live = sub { ($_ = $cluster->peer(0, 'web2')->{state}) eq 'live' };
    wait_for 'it to be live', 5, $is_live;

    # A child alone: another takes over.
    kill 'KILL', $web2->children;
    $crowd->mended('its child killed', 2);
    $crowd->live(1);
    wait_for 'it to report on', 5, $is_live;
    $crowd->ends_well;
};

subtest 'a node hangs, and goes on' => sub {
    my $crowd = patient_crowd();
    my $cluster = $crowd->{cluster};
    my $web2 = $cluster->node(1);
    # Nobody is sent to it meanwhile.
    my $pid = delete $web2->{pid};
    kill 'STOP', -$pid;
    $crowd->unknown('stopped', qr/web2/);
    kill 'CONT', -$pid;
    $web2->{pid} = $pid;
    $crowd->mended('continued', 3 * SYNC);
    $crowd->ends_well;
};

subtest 'a silent node does not hold up a deadline' => sub {
    my $crowd = patient_crowd(app => "ABSwitchLogout /logout\nABSwitchDrainTimeout 15s");
    my $cluster = $crowd->{cluster};
    $cluster->node(2)->kill_all;
    my ($at) = map { $_->{deadline} } $cluster->node(0)->side('A');
    $crowd->{client} = $cluster->balancer;
    my @too_soon;
    my $drained = poll(25, sub {
        my @said = $cluster->each_side('A', 'drain');
        push @too_soon, time - $at if time < $at + 4 && grep { $_ eq 'drained' } @said;
        return !grep { $_ ne 'drained' } @said;
    });
    ok $drained, 'the side has closed by itself there, too';
    is_deeply \@too_soon, [], 'not sooner than its deadline, and the seconds that clocks may differ';
    diag sprintf 'drained %.1f s after its deadline', time - $at;
    $cluster->expect_log(qr/\[abswitch:/);
    $cluster->logs_are_clean;
};

subtest 'one of two mirrors is lost' => sub {
    my @stores = map { ABSwitch::Memcached->new->start } 1 .. 2;
    my $crowd = crowd(store => \@stores, sides => [qw(A B C)]);
    my $cluster = $crowd->{cluster};
    my $is_everywhere = sub ($key) { !grep { !defined $_->get($key) } @stores };
    ok $is_everywhere->($cluster->key($_)), "$_ is on both" for 'switch', 'epoch', 'nodes', 'node:web1', 'members:A:web1';
    for my $i (0, 1) {
        $stores[$i]->kill;
        $crowd->live(1);
        $crowd->knows_all_the_while("mirror $i is lost: the drain is known all the while", 3);
        ok poll(5, sub { $crowd->store_is('degraded') }), 'the store is degraded';
        is_deeply [map { $_->{state} } $cluster->whole(1)->{store}{servers}->@*],
            [map { $_ == $i ? 'down' : 'up' } 0, 1], 'which one is named';
        my $generation = $cluster->node(0)->status->{switch}{generation};
        $stores[1 - $i]->set($cluster->key('switch'), 'A=0 B=1 C=1') if !$i;
        my $taken = sub (@) { !grep { $_ == $generation } $cluster->generations };
        ok defined $crowd->live(30, $taken), 'the other one takes a flip' if !$i;
        $stores[$i]->start;
        my $back = $crowd->live(60, sub (@sides) { $crowd->store_is('up') });
        ok defined $back, 'it comes back';
        ok poll(5, sub { !grep { !$is_everywhere->($cluster->key($_)) } qw(switch node:web1) }), 'and is filled again';
        my @switches;
        poll(5, sub { @switches = map { scalar $_->get($cluster->key('switch')) } @stores; $switches[0] eq $switches[1] });
        is $switches[0], $switches[1], 'with the same switch';
        $crowd->mended("mirror $i is back", 3 * SYNC);
    }
    $stores[0]->pause;
    $crowd->live(1);
    $crowd->knows_all_the_while('one that hangs is no more than lost', 2);
    $stores[1]->kill;
    $crowd->unknown('both', $STORE);
    $stores[0]->resume;
    $stores[1]->start;
    $crowd->mended('both are back');

    is_deeply $crowd->{interrupted}, [], "no user was interrupted ($crowd->{clicks} clicks)";
    is_deeply $crowd->{false}, [], "never drained ($crowd->{looks} looks)";
    $cluster->expect_log(qr/\[abswitch:/);
    $cluster->logs_are_clean;
};

done_testing;
