#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# abswitchctl and several nodes behind a balancer: a flip that every node has when it returns, a store that fails, a
# node that is gone.

use v5.36;
use Test::More;
use ABSwitch::Client;
use ABSwitch::Cluster;
use ABSwitch::Ctl;
use ABSwitch::FakeServer;
use ABSwitch::Manager;
use ABSwitch::Memcached;
use ABSwitch::TempDir;
use ABSwitch::Wait;

plan skip_all => 'there is no memcached' if !ABSwitch::Memcached->is_here;

# Mirrors: one may be lost. Slow to sync, so that who does not wait for the other nodes is found out.
my @stores = map { ABSwitch::Memcached->new->start } 1 .. 2;
my $cluster = ABSwitch::Cluster->new(store => \@stores, sync => '500ms', server => ABSwitch::Cluster::PATIENT,
    conf => ABSwitch::Manager::OPEN)->start;

# Each question to the next node that listens.
my $dir = temp_dir('turns');
my @ports = map { $_->port } $cluster->nodes;
my $balancer = ABSwitch::FakeServer->new(sub ($request) {
    my $turn = () = glob "$dir/*";
    open my $file, '>', "$dir/$turn.$$";
    for my $i (0 .. $#ports) {
        my $client = ABSwitch::Client->new(port => $ports[($turn + $i) % @ports]);
        my $r = $client->raw($request =~ s/\r\n/\r\nConnection: close\r\n/r);
        return $r->raw if $r->status;
    }
    return ABSwitch::FakeServer::http('nobody', 'text/plain', '503 Service Unavailable');
});
my $ctl = ABSwitch::Ctl->new(url => $balancer->url('/abswitch-manager'), deadline => 30);

# A test point: whichever node is asked, the command comes to end so.
sub everywhere ($what, $block, @command) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return wait_for $what, 20, sub { !grep { !$block->($_ = $ctl->run(@command)) } @ports };
}

$cluster->comes_to('the cluster is settled', 10, 'B', drain => 'drained');

subtest 'a flip' => sub {
    my @late;
    for my $generation (1 .. 4) {
        my $side = $generation % 2 ? 'B' : 'A';
        my $other = $generation % 2 ? 'A' : 'B';
        ends $ctl->run('flip', 'contact', $side), 0,
            out => "contact: generation $generation; new sessions land on $side; nobody is on $other\n", "to $side";
        push @late, grep { $_ < $generation } map { $_->status->{switch}{generation} } $cluster->nodes;
    }
    is_deeply \@late, [], 'every node has it when the command returns';
    ends $ctl->run('wait', 'contact', 'B', '--fail-unknown', '--timeout', '20s'), 0, out => qr/drained\n\z/,
        'so the next one can wait at once';
};

subtest 'somebody is on a side' => sub {
    my $token = $cluster->token(side => 'A');
    $cluster->click($cluster->node(0)->client, $token);
    $cluster->comes_to('they are counted', 10, 'A', sessions => 1);
    ends $ctl->run('flip', 'contact', 'B'), 0, out => qr/; 1 session stays on A until /, 'a flip tells';
    ends $ctl->run('check', 'contact', '-w', 0), 1,
        out => qr/WARNING - contact: A draining, 1 session; .* \| contact_A=1 contact_B=0\n/, 'check too';
};

subtest 'a store that fails' => sub {
    $cluster->expect_log(qr/memcache|store|\Q${\ $_->address}\E/) for @stores;
    $stores[1]->stop;
    everywhere 'a mirror that is lost to show', sub ($r) { $r->{exit} == 1 }, 'check', 'contact';
    ends $ctl->run('check', 'contact'), 1, out => qr/\AABSWITCH WARNING - contact: .*the store is degraded/,
        'is a warning';
    like $ctl->run('status')->{out}, qr/^store: memcache, degraded; \Q${\ $stores[1]->address}\E is down$/m,
        'with its name';
    $stores[0]->stop;
    everywhere 'the store to be down', sub ($r) { $r->{exit} == 2 }, 'check', 'contact';
    ends $ctl->run('check', 'contact'), 2,
        out => qr/\AABSWITCH CRITICAL - contact: .*the store is down.* \| contact_A=U contact_B=U\n\z/, 'is critical';
    like $ctl->run('status')->{out}, qr/^  the drain of A is unknown: \S.*^store: memcache, down;/ms,
        'status has the reason';
    ends $ctl->run('wait', 'contact', 'A', '--fail-unknown'), 5, out => qr/an unknown number of sessions/,
        err => qr/is unknown: /, 'wait --fail-unknown';
    ends $ctl->run('flip', 'contact', 'A'), 1, err => qr/\Aabswitchctl: \w[ -~]+\n\z/, 'nothing can be changed';
    $_->start for @stores;
    $cluster->comes_to('all is well again', 20, 'A', sessions => 1);
    everywhere 'that to show', sub ($r) { $r->{exit} == 0 }, 'check', 'contact';
};

subtest 'a node that is gone' => sub {
    ends $ctl->run('retire', 'contact', 'web3'), 1, err => qr/\Aabswitchctl: \w[ -~]+\n\z/,
        'one that is not cannot be retired';
    $cluster->node(2)->kill_all;
    $cluster->expect_log(qr/web3/);
    everywhere 'it to be silent', sub ($r) { $r->{out} =~ /web3 is silent/ }, 'status';
    like $ctl->run('status')->{out}, qr/^  nodes: 2 live; web3 is silent$/m, 'status names it';
    ends $ctl->run('retire', 'contact', 'web3'), 0, out => "contact: web3 is struck off the roster\n", 'retire';
    everywhere 'the others to know', sub ($r) { $r->{out} !~ /web3/ }, 'status';
};

$cluster->logs_are_clean;
done_testing;
