#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The demo of a cluster as `make demo-cluster` starts it: three nodes, a memcached, and a balancer that sends every
# request to another one.

use v5.36;
use IO::Socket::INET;
use JSON::PP ();
use List::Util qw(uniq);
use Test::More;
use ABSwitch::Cluster;
use ABSwitch::Demo;
use ABSwitch::ErrorLog;
use ABSwitch::Host qw(free_port is_free run slurp spew which);
use ABSwitch::Manager;
use ABSwitch::Memcached;
use ABSwitch::Wait;

plan skip_all => 'there is no memcached' if !ABSwitch::Memcached->is_here;

my $demo = ABSwitch::Demo->new(name => 'demo-cluster');

# On a busy machine a store that is well may take more than it is given by default.
my $template = $demo->dir . '/conf/demo/httpd.conf.in';
spew($template, slurp($template) . ABSwitch::Cluster::PATIENT);

sub listener ($port) {
    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1, ReuseAddr => 1);
}

# The first of five free ports in a row.
sub five_ports () {
    while (1) {
        my $first = free_port();
        return $first if !grep { !is_free($first + $_) } 1 .. 4;
    }
}

my $started;
for (1 .. 3) {
    $started = $demo->start(five_ports()) && $demo->is_running and last;
    last if $demo->output !~ /is taken/;
}
ok $started, 'it starts' or BAIL_OUT $demo->output;
my $port = $demo->port;
like $demo->output, qr{http://127\.0\.0\.1:$port/$_$}m, "it names /$_" for qw(contact abswitch-status abswitch-manager);

sub node_of ($response) { return $response->body =~ m{<dt>Answered by</dt><dd>(\w+)</dd>} ? $1 : 'nobody' }

my $anna = $demo->browser;
subtest 'every request goes to another node' => sub {
    my $body = $anna->type_in('/contact')->body;
    like $body, qr/nc 127\.0\.0\.1 ${\($port + 4)}/, 'the launchpad says how to flip';
    unlike $body, qr/\(none\)|an error/, 'the page is whole';
    is $anna->post_form('/contact', '')->location, '/contact/A/', 'a POST enters side A';
    $anna->follow;
    my @nodes = map { node_of($anna->click('/contact/A/lists.shtml')) } 1 .. 6;
    is_deeply [sort(uniq(@nodes))], [qw(web1 web2 web3)], 'the page says which';
    is scalar(grep { node_of($anna->click('/contact/A/')) eq 'nobody' } 1 .. 3), 0, 'on every page';
    wait_for 'one session, whichever node is asked', 10, sub {
        $_ = join ' ', map { $demo->side('A')->{sessions} // 'null' } 1 .. 3;
        $_ eq '1 1 1';
    };
    my $nodes = $demo->client->get('/abswitch-status?format=json')->json->{apps}[0]{nodes};
    is_deeply [map { $_->{node} } @$nodes], [qw(web1 web2 web3)], 'the status has all nodes';
};

# The line that the demo prints, run by a shell.
subtest 'a flip by nc' => sub {
    my ($line) = $demo->output =~ /^ +(printf .* \| nc .*)$/m or return fail 'the demo prints the line';
    plan skip_all => 'there is no nc' if !which('nc');
    my ($exit, $output) = run('sh', '-c', $line);
    is $exit, 0, 'the line works as it is printed' or diag $output;
    like $output, qr/STORED/, 'memcached has taken it';
    wait_for 'newcomers to land on B, whichever node answers', 5, sub {
        $_ = join ' ', map { $demo->client->post('/contact', '')->location } 1 .. 3;
        $_ eq join ' ', ('/contact/B/') x 3;
    };
    for (1 .. 3) {
        my $body = $anna->click('/contact/A/lists.shtml')->body;
        like $body, qr/A new version is available/, 'Anna stays on A and is told, on ' . node_of($anna->{response});
    }
    $anna->click('/contact/A/logout');
    wait_for 'A to be drained', 20, sub { $_ = $demo->side('A'); $_->{drain} eq 'drained' };
};

subtest 'the manager behind the balancer' => sub {
    my $manager = ABSwitch::Manager->new($demo);
    for my $side (qw(A B)) {
        my $generation = $manager->generation;
        my $r = $manager->send($manager->form(action => 'flip', side => $side),
            Origin => "http://127.0.0.1:$port", Referer => "http://127.0.0.1:$port/abswitch-manager");
        is_deeply $r->json, { ok => JSON::PP::true, generation => $generation + 1 }, "a form from its page flips to $side";
        wait_for 'it to be in force on every node', 5, sub {
            $_ = join ' ', map { $manager->generation } 1 .. 3;
            $_ eq join ' ', ($generation + 1) x 3;
        };
    }
};

subtest 'a node goes, and comes back as the demo says' => sub {
    my ($kill, $start) = $demo->output =~ /^ +(kill \$\(cat .*)\n +(\S.*)$/m or return fail 'the demo prints how';
    my $run = sub ($line) { run('sh', '-c', 'cd ' . $demo->dir . " && $line") };
    my $before = $demo->httpds;
    my $web2_is = sub ($state) {
        wait_for "web2 to be $state", 15, sub {
            # The balancer may have sent it to a node that has just gone.
            my $r = $demo->client->get('/abswitch-status?format=json');
            $_ = $r->status == 200 ? join ' ', map { "$_->{node} $_->{state}" } $r->json->{apps}[0]{nodes}->@* : $r->status;
            /web2 $state/;
        };
    };
    is +($run->($kill))[0], 0, 'it is stopped';
    $web2_is->('left');
    is scalar(grep { $demo->client->post('/contact', '')->status != 303 } 1 .. 9), 0, 'the others serve';
    wait_for 'its httpd to be gone', 10, sub { ($_ = $demo->httpds) < $before };
    is +($run->("$start >/dev/null 2>&1"))[0], 0, 'it is started';
    $web2_is->('live');
    wait_for 'its process to be known', 5, sub { ($_ = $demo->httpds) == $before };
};

subtest 'the end' => sub {
    $demo->stop('INT');
    like $demo->output, qr/demo: stopping/, 'it says so';
    ok !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port + 4), 'memcached is gone, too';
    for my $name (qw(web1 web2 web3 front)) {
        my @odd = ABSwitch::ErrorLog->new($demo->dir . "/build/demo-cluster/$name/logs/error.log")->unexpected;
        # The balancer is stopped first: it drops the connections that it keeps to the nodes, whatever comes on them.
        @odd = grep { !/\(104\)Connection reset by peer: / } @odd if $name ne 'front';
        @odd = grep { !/AH00957|AH01114|AH10\d+.*balancer|\[proxy/ } @odd if $name eq 'front';    # web2 was away
        is_deeply \@odd, [], "the error log of $name is clean";
    }
    ok $demo->start($port) && $demo->is_running, 'it starts again' or diag $demo->output;
    wait_for 'the flip to be remembered, though memcached began anew', 10, sub {
        $_ = $demo->client->post('/contact', '')->location // ''; $_ eq '/contact/B/';
    };
    my ($exit, $output) = run('env', "PORT=$port", $demo->command);
    is $exit, 1, 'a second one on the same files refuses';
    like $output, qr/it runs already/, 'and says why';
    $demo->stop('TERM');

    my $taken = listener($port + 4);
    ($exit, $output) = run('env', "PORT=$port", $demo->command);
    is $exit, 1, 'a port that is taken';
    like $output, qr/port ${\($port + 4)} is taken.*make demo-cluster PORT=\d+/, 'is named, with another';
    is scalar($demo->httpds), 0, 'and nothing is left running';
};

done_testing;
