#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# What of the store is believed: old records, values that cannot be taken, rubbish, keys that are lost or not ours.

use v5.36;
use Test::More;
use ABSwitch::Cluster qw(SOON cluster);
use ABSwitch::Host qw(run);
use ABSwitch::Memcached;
use ABSwitch::Wait;

plan skip_all => 'there is no memcached' if !ABSwitch::Memcached->is_here;

subtest 'an older record never wins' => sub {
    my $cluster = cluster();
    my $store = $cluster->store;
    my $key = $cluster->key('switch');
    $cluster->flip('B');
    my $old = $store->get($key);
    $cluster->flip('A');
    my $new = $store->get($key);
    $cluster->write_switch($old);
    wait_for 'the newer one to be put back', SOON, sub { ($_ = $store->get($key) // '') eq $new };
    $store->delete($key);
    wait_for 'a deleted one to be put back', SOON, sub { ($_ = $store->get($key) // '') eq $new };
    is_deeply [$cluster->generations], [2, 2, 2], 'nobody was impressed';
    is_deeply [$cluster->lands], [('/contact/A/') x 3], 'people land where they landed';
    $store->flush;
    wait_for 'an empty store to be re-seeded', SOON, sub { ($_ = $store->get($key) // '') eq $new };

    # A node that comes later, and one that has lost its memory, learn it.
    $cluster->node(2)->stop;
    run('rm', '-rf', $cluster->node(2)->state_dir);
    $cluster->node(2)->start;
    wait_for 'a node without memory to learn the switch', SOON, sub {
        $_ = $cluster->node(2)->status->{switch}{generation}; $_ == 2;
    };
    is $store->get($key), $new, 'from the store, which stays as it is';

    # The store's loss and a reboot of all but one: the one's memory is enough.
    $cluster->node($_)->stop for 0, 1;
    run('rm', '-rf', $cluster->node($_)->state_dir) for 0, 1;
    $store->kill->start;
    $cluster->node($_)->start for 0, 1;
    wait_for 'the switch to come from the one node that knows it', 15, sub {
        $_ = join ' ', $cluster->generations; $_ eq '2 2 2';
    };
    $cluster->expect_log(qr/store|memcache|session table|\Q${\ $store->address}\E/i);
    $cluster->logs_are_clean;
};

subtest 'the log of changes outlives its store' => sub {
    my $cluster = cluster();
    my $store = $cluster->store;
    $cluster->flip($_) for qw(B A B);
    my $says = sub ($text) { return join ' ', $text =~ / gen=(\d+)/g };
    my $shown = sub { return join '; ', map { join ' ', map { $_->{generation} } $_->status->{log}->@* } $cluster->nodes };
    wait_for 'three changes on every page', SOON, sub { ($_ = $shown->()) eq '3 2 1; 3 2 1; 3 2 1' };
    my $log;
    wait_for 'and in the store', SOON, sub { $_ = $says->($log = $store->get($cluster->key('log')) // ''); $_ eq '3 2 1' };
    $store->flush;
    wait_for 'it to be put back', SOON, sub { ($_ = $store->get($cluster->key('log')) // '') eq $log };
    $store->kill->start;
    $cluster->flip('A');
    wait_for 'the fourth beside the others', SOON, sub { $_ = $says->($store->get($cluster->key('log')) // ''); $_ eq '4 3 2 1' };
    wait_for 'on every page', SOON, sub { ($_ = $shown->()) eq '4 3 2 1; 4 3 2 1; 4 3 2 1' };
    # A node without its own copy takes the store's.
    my $web3 = $cluster->node(2);
    $web3->stop;
    run('rm', '-rf', $web3->state_dir);
    $web3->start;
    wait_for 'a node made anew to show it', SOON, sub { ($_ = $shown->()) eq '4 3 2 1; 4 3 2 1; 4 3 2 1' };
    $store->set($cluster->key('log'), "rubbish\n$log");
    $cluster->flip('B');
    wait_for 'rubbish to go', SOON, sub { $_ = $store->get($cluster->key('log')); $says->($_) eq '5 4 3 2 1' && !/rubbish/ };
    like join("\n", map { $_->mark('ignored') } $cluster->nodes), qr/contact:log is not taken: it has lines that are no records/,
        'and to be named';
    $cluster->expect_log(qr/contact|session table|\Q${\ $store->address}\E/);
    $cluster->logs_are_clean;
};

subtest 'values that cannot be taken' => sub {
    my $cluster = cluster();
    my $store = $cluster->store;
    $cluster->flip('B');
    for my $bad ('C', 'b', 'B x', 'A=0 B=0', 'A=-1', 'A=1e9', 'A=1 A=1', '=', '', "B\0", "\xff\xfe", 'B' x 900_000,
        'A gen=18446744073709551615', 'A gen=x at=1 by=x', 'A gen=5 at=1 by=x closed=C', "A\nB") {
        my $shown = substr $bad =~ s/[^ -~]/?/gr, 0, 30;
        $store->set($cluster->key('switch'), $bad);
        for my $site ($bad eq '' ? () : $cluster->nodes) {
            wait_for "'$shown' to be marked on ${\ $site->name}", SOON, sub {
                ($_ = $site->mark('trouble')) ne 'none';
            };
        }
        is_deeply [map { $_->status->{switch}{weights} } $cluster->nodes], [({ A => 0, B => 1 }) x 3],
            "'$shown' changes nothing";
        $cluster->write_switch('B');    # mends it, and so the next one is new
        poll(SOON, sub { !grep { $_->mark('trouble') ne 'none' } $cluster->nodes });
    }
    is_deeply [$cluster->generations], [1, 1, 1], 'no generation was spent';

    $cluster->write_switch('nonsense here');
    wait_for 'the log', SOON, sub { $_ = $cluster->node(0)->log_text; /nonsense here/ };
    my ($times) = watch(1.5, sub { () });
    is scalar(() = $cluster->node(0)->log_text =~ /nonsense here" is not taken/g), 1, 'says it once';
    $cluster->flip('A');
    is_deeply [$cluster->lands], [('/contact/A/') x 3], 'the next good flip repairs it';
    $cluster->expect_log(qr/switch of contact/);
    $cluster->logs_are_clean;
};

# --- what of the store is believed ----------------------------------------------------------------------------

subtest 'rubbish under every key' => sub {
    my $cluster = cluster(app => 'ABSwitchLogout /logout');
    my $store = $cluster->store;
    my $client = $cluster->balancer;
    my @tokens = map { $cluster->token } 1 .. 10;
    $cluster->click($client, $_) for @tokens, @tokens;
    $cluster->flip('B');
    $cluster->comes_to('ten users on a draining side', SOON, 'A', sessions => 10, drain => 'draining');
    my ($false, $interrupted, $looks) = (0, 0, 0);
    my $live = sub {
        $looks++;
        $interrupted += grep { ($cluster->click($client, $_)->header('X-Verdict') // '') ne 'pass' } @tokens[$looks % 10];
        $false += grep { $_ eq 'drained' } $cluster->each_side('A', 'drain');
        return;
    };
    my @keys = $store->keys(qr/\Aabswitch/);
    ok @keys >= 8, 'there are keys' or diag "@keys";
    my %whole = map { $_ => scalar $store->get($_) // '' } @keys;
    my $put_back = sub { $store->set($_, $whole{$_}) for grep { /:(?:switch|log)\z/ } @keys };
    # The mark names the key; what nobody needed to read has none.
    for my $key (map { $cluster->key($_) } 'epoch', 'nodes', 'node:web1') {
        $store->set($key, "rub\0bish");
        wait_for "a mark for $key", SOON, sub {
            $_ = join '; ', map { $_->mark('ignored') } $cluster->nodes; /\Q$key\E is not taken: /;
        };
        my ($marked) = grep { $_->mark('ignored') =~ /\Q$key\E / } $cluster->nodes;
        like $marked->client->get('/abswitch-status')->body, qr/Ignored in the store:.*\Q$key\E is not taken: /, 'on the page';
        my @said = $marked->log_text =~ /: (\Q$key\E is not taken: .*)/g;
        is scalar(@said), 1, 'the error log says it once' or diag join "\n", @said;
        $live->();
    }
    # Under all of them at once; but an empty switch is none.
    for my $value ('', 'x', "\0" x 40, "\xff\xfe\x80" x 30, '9' x 400, '-1', '18446744073709551616', 'x' x 1_000_000,
        "am\1" . "\xff" x 200, 'v=1 epoch=' . '0' x 32 . ' side=A:4294967295') {
        $store->set($_, $value) for grep { $value ne '' || !/:switch\z/ } @keys;
        watch(0.5, $live);
        $put_back->();
        my $shown = substr $value =~ s/[^ -~]/?/gr, 0, 20;
        $cluster->comes_to("'$shown': all is right again", 10, 'A', sessions => 10, drain => 'draining');
    }
    # Of each: a half, twice itself, and what is under another key of its kind.
    for my $key (@keys) {
        my ($other) = grep { $_ ne $key && /node:|members:/ } @keys;
        for my $value (substr($whole{$key}, 0, length($whole{$key}) / 2), $whole{$key} x 2, $whole{$other}) {
            $store->set($key, $value);
            watch(0.25, $live);
        }
        $put_back->();
    }
    $cluster->comes_to('after halves, doubles and strangers: all is right again', 10, 'A', sessions => 10, drain => 'draining');
    is $false, 0, "never drained in $looks looks at three nodes";
    is $interrupted, 0, 'no user was interrupted';
    is_deeply [$cluster->generations], [1, 1, 1], 'the switch is what it was';
    ok !(grep { /exit signal/ } map { $_->errors } $cluster->nodes), 'no child died';
    $cluster->click($client, $_, '/contact/A/logout') for @tokens;
    $cluster->comes_to('and in the end it is drained', SOON, 'A', sessions => 0, drain => 'drained');
    $cluster->expect_log(qr/contact/);
    $cluster->logs_are_clean;
};

subtest 'another application\'s keys are no concern of ours' => sub {
    my $store = ABSwitch::Memcached->new->start;
    my %theirs = ('abswitch:other:switch' => 'C', 'abswitch:other:nodes' => 'x y', 'abswitch:contact' => 'x', users => 'y');
    $store->set($_, $theirs{$_}) for keys %theirs;
    my $cluster = cluster(store => $store, nodes => 2);
    $cluster->flip('B');
    $cluster->comes_to('a drain', SOON, 'A', drain => 'drained');
    is_deeply { map { $_ => scalar $store->get($_) } keys %theirs }, \%theirs, 'they stay as they are';
    $cluster->logs_are_clean;
};

done_testing;
