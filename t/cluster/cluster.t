#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Several nodes and one memcached, while all is well: one switch by one key, one count, one proof of a drain.

use v5.36;
use IO::Socket::INET;
use IO::Socket::IP;
use Test::More;
use Time::HiRes qw(time);
use ABSwitch::Cluster qw(SOON cluster);
use ABSwitch::Host qw(slurp spew);
use ABSwitch::Memcached;
use ABSwitch::TempDir;
use ABSwitch::Wait;

plan skip_all => 'there is no memcached' if !ABSwitch::Memcached->is_here;

subtest 'the status of three nodes' => sub {
    my $cluster = cluster();
    $cluster->comes_to('counts are known', SOON, 'A', sessions => 0);
    for my $i (0 .. 2) {
        my $whole;
        wait_for "node $i to see all live", SOON, sub {
            $whole = $cluster->whole($i);
            my @nodes = $whole->{apps}[0]{nodes}->@*;
            $_ = join ' ', map { ($_->{state}, map { $_ // 'null' } values $_->{sessions}->%*) } @nodes;
            $_ eq 'live 0 0 live 0 0 live 0 0';
        };
        is $whole->{node}, 'web' . ($i + 1), "node $i: its name";
        my $store = $whole->{store};
        is_deeply [@$store{qw(type state)}], ['memcache', 'up'], '... the store';
        is_deeply $store->{servers}, [{ server => $cluster->store->address, state => 'up' }], '... its server';
        is $store->{epoch}, $cluster->whole(0)->{store}{epoch}, '... one epoch for all';
        my $app = $whole->{apps}[0];
        is_deeply [map { $_->{node} } $app->{nodes}->@*], [qw(web1 web2 web3)], '... the nodes';
        is_deeply [map { $_->{state} } $app->{nodes}->@*], [qw(live live live)], '... all live';
        is_deeply [map { $_->{generation} } $app->{nodes}->@*], [0, 0, 0], '... before any record';
        is scalar(grep { $_->{age} > 60 || $_->{age} < 0 } $app->{nodes}->@*), 0, '... their ages';
        is_deeply [map { $_->{sessions} } $app->{nodes}->@*], [({ A => 0, B => 0 }) x 3], '... sessions of each';
        is_deeply [map { $_->{in_flight} } $app->{nodes}->@*], [({ A => 0, B => 0 }) x 3], '... requests of each';
    }
    like $cluster->whole->{store}{epoch}, qr/\A[0-9a-f]{32}\z/, 'the epoch';
    is $cluster->store->get('abswitch:contact:epoch') =~ s/\s+\z//r, $cluster->whole->{store}{epoch}, 'is the key';
    is_deeply [$cluster->roster], [qw(web1 web2 web3)], 'the roster';
    is_deeply [grep { !/\Aabswitch(?:-proof|:contact):./ } $cluster->store->keys], [], 'no key is anybody else\'s';
    my %item = $cluster->store->items;
    cmp_ok $item{"abswitch:contact:node:web$_"}{size}, '<', 1100, "the record of web$_ is small" for 1 .. 3;
    is $cluster->store->get('abswitch:contact:switch'), undef, 'no record is made up';

    my $metrics = $cluster->node(1)->client->get('/abswitch-status?format=prometheus')->body;
    my $address = $cluster->store->address;
    like $metrics, qr/^abswitch_store_up\{server="\Q$address\E"\} 1$/m, 'Prometheus: the store';
    like $metrics, qr/^abswitch_nodes\{app="contact",state="live"\} 3$/m, 'Prometheus: the nodes';
    like $cluster->node(1)->client->get('/abswitch-status')->body, qr/web3/, 'the page names the nodes';
    $cluster->logs_are_clean;
};

subtest 'the switch by key' => sub {
    my $cluster = cluster();
    my $store = $cluster->store;
    my $key = $cluster->key('switch');
    my $record = sub { $store->get($key) // '' };
    is_deeply [$cluster->lands], [('/contact/A/') x 3], 'everybody lands on A';

    my $before = int time;
    $cluster->flip('B');
    is_deeply [$cluster->lands], [('/contact/B/') x 3], 'a bare name, and everybody lands on B';
    like $record->(), qr/\AA=0 B=1 gen=1 at=\d+ /, 'the key holds the full record';
    my ($at) = $record->() =~ / at=(\d+)/;
    ok $at >= $before && $at <= time, 'of now' or diag "$before $at";
    for my $site ($cluster->nodes) {
        my $switch = $site->status->{switch};
        is_deeply [@$switch{qw(generation at by)}, $switch->{weights}], [1, $at, 'key', { A => 0, B => 1 }],
            "${\ $site->name} shows the same record";
    }

    my ($value, $cas) = $store->get($key);
    $cluster->write_switch("B \t\r\n");
    wait_for 'what is so already to get its record back', SOON, sub { ($_ = $record->()) eq $value };
    is_deeply [$cluster->generations], [1, 1, 1], 'and nothing changes';

    $cluster->flip('A=75 B=25');
    is_deeply $_->status->{switch}{weights}, { A => 75, B => 25 }, "weights on ${\ $_->name}" for $cluster->nodes;
    my $now = int time;
    $cluster->flip("A=0 B=1 gen=40 at=$now by=anna since=A:$now note=by%20hand colour=red");
    is_deeply [map { $_->status->{switch}{note} } $cluster->nodes], [('by hand') x 3], 'a full record is taken as it is';
    like $record->(), qr/colour=red/, 'unknown fields are kept';
    $cluster->flip('A');
    is_deeply [$cluster->generations], [41, 41, 41], 'the next change is the next generation';

    for my $site ($cluster->nodes) {
        my @log;
        wait_for 'the log of ' . $site->name, SOON, sub {
            $_ = join ' ', @log = map { $_->{generation} } $site->status->{log}->@*;
            $_ eq '41 40 2 1';
        };
    }

    # Two hands at once: one generation after the other, the same on all.
    $store->raw("set $key 0 0 1 noreply\r\nB\r\nset $key 0 0 7\r\nA=1 B=1\r\n");
    poll(SOON, sub { !grep { join(' ', @{ $_->status->{switch}{weights} }{qw(A B)}) ne '1 1' } $cluster->nodes });
    my @same = map { join ' ', map { $_ // '' } @{ $_->status->{switch} }{qw(generation at by)} } $cluster->nodes;
    is_deeply \@same, [($same[0]) x 3], 'two flips at once end in one record';
    $cluster->logs_are_clean;
};

subtest 'one session on many nodes is one' => sub {
    my $cluster = cluster(app => 'ABSwitchLogout /logout');
    my $store = $cluster->store;
    my $anna = $cluster->browser;
    $anna->type_in('/contact');
    is $anna->follow->status, 200, 'Anna enters';
    is $anna->click('/contact/A/index.html')->header('X-Verdict'), 'pass', 'and clicks, on every node' for 1 .. 6;
    $cluster->comes_to('she is one session', SOON, 'A', sessions => 1, exact => 1);
    wait_for 'the key to say so', SOON, sub { ($_ = $store->get($cluster->key('count:A')) // '') =~ /\A1\s*\z/ };
    wait_for 'every node to show what each has', SOON, sub {
        $_ = join ' ', map { my $i = $_; map { $cluster->peer($i, "web$_")->{sessions}{A} // 'null' } 1 .. 3 } 0 .. 2;
        $_ eq join ' ', (1) x 9;
    };

    my @tokens = map { $cluster->token } 1 .. 60;
    my $client = $cluster->balancer;
    my $odd = grep { $cluster->click($client, $tokens[ $_ % 60 ])->header('X-Verdict') ne 'pass' } 1 .. 200;
    is $odd, 0, 'sixty more, here and there';
    $cluster->comes_to('are sixty-one', SOON, 'A', sessions => 61, exact => 1, drain => 'open');
    my %item = $store->items;
    for my $side (qw(A B)) {
        my $key = $cluster->key("count:$side");
        # A node that is late for ten syncs lets it die.
        wait_for "count:$side", SOON, sub {
            $_ = $store->get($key) // '';
            /\A${\($side eq 'A' ? 61 : 0)}\s*\z/ && (%item = $store->items) && $item{$key};
        };
        cmp_ok $item{$key}{ttl} // 999, '<=', 2.5, 'lives ten syncs, at least two seconds';
    }

    $cluster->click($client, $tokens[$_], '/contact/A/logout') for 0 .. 9;
    $cluster->comes_to('a logout on one node ends it on all', SOON, 'A', sessions => 51);
    sleep 1.1;    # a second is as exact as "later" gets
    $cluster->click($client, $tokens[3]) for 1 .. 2;
    $cluster->comes_to('who comes back after a logout counts again', SOON, 'A', sessions => 52);

    $cluster->flip('B');
    $anna->post_form('/contact', '');
    is $anna->follow->header('X-Side'), 'B', 'Anna enters anew, now on B';
    $anna->click('/contact/B/index.html') for 1 .. 3;
    $cluster->comes_to('her old session has ended everywhere', SOON, 'A', sessions => 51, drain => 'draining');
    $cluster->comes_to('the new one counts', SOON, 'B', sessions => 1, drain => 'open');

    # A visitor counts on both sides, on whichever nodes.
    $anna->fetch('/contact/A/index.html') for 1 .. 3;
    $cluster->comes_to('a visitor counts on the side of the path, too', SOON, 'A', sessions => 52);
    $cluster->comes_to('and on the own', SOON, 'B', sessions => 1);

    my $tester = $cluster->token(flags => 't', side => 'B');
    $cluster->click($client, $tester, '/contact/B/') for 1;
    $cluster->comes_to('a tester is counted apart', SOON, 'B', sessions => 1, testers => 1);
    $client->close;
    $cluster->logs_are_clean;
};

subtest 'requests in flight of other nodes' => sub {
    my $silent = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "listen: $@";
    my $port = $silent->sockport;
    my $cluster = cluster(conf => "ProxyPass /contact/A/slow http://127.0.0.1:$port/\nProxyTimeout 60");
    $cluster->flip('B');
    $cluster->comes_to('A is drained', SOON, 'A', drain => 'drained', in_flight => 0);
    my $open = $cluster->node(1)->client->open;
    $open->send("GET /contact/A/slow HTTP/1.1\r\nHost: app.example\r\n\r\n");
    $cluster->comes_to('one request on one node shows on all, and A is not drained', SOON, 'A',
        in_flight => 1, drain => 'draining');
    wait_for 'whose it is to show', SOON, sub { ($_ = $cluster->peer(0, 'web2')->{in_flight}{A}) == 1 };
    my $backend = $silent->accept;
    print {$backend} "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
    close $backend;
    is $open->response->status, 200, 'it is answered';
    $cluster->comes_to('then A is drained again', SOON, 'A', in_flight => 0, drain => 'drained');
    $cluster->logs_are_clean;
};

subtest 'a drain is proven, and told once' => sub {
    my $dir = temp_dir('drained');
    my $file = spew("$dir/told", '', 0666);
    my $cluster = cluster(app => <<"CONF");
ABSwitchLogout /logout
ABSwitchAutoClose on
ABSwitchOnDrained /bin/sh -c "echo \$ABSWITCH_APP \$ABSWITCH_SIDE \$ABSWITCH_GENERATION >> $file"
CONF
    my @tokens = map { $cluster->token } 1 .. 3;
    my $client = $cluster->balancer;
    $cluster->click($cluster->node($_)->client, $tokens[$_]) for 0 .. 2;    # each knows another one
    $cluster->comes_to('three users', SOON, 'A', sessions => 3);
    $cluster->flip('B');
    for my $left (2, 1) {
        $cluster->click($client, $tokens[$left], '/contact/A/logout');
        $cluster->comes_to("$left left", SOON, 'A', sessions => $left, drain => 'draining');
    }
    my ($looks, @wrong) = watch(2, sub { grep { $_ eq 'drained' } $cluster->each_side('A', 'drain') });
    is_deeply \@wrong, [], "not drained while one is there ($looks looks at each node)";
    is slurp($file), '', 'nothing was told';
    my $quiet = time;
    $cluster->click($client, $tokens[0], '/contact/A/logout');
    $cluster->comes_to('closed by AutoClose, on every node', SOON, 'A', state => 'closed', sessions => 0);
    cmp_ok time - $quiet, '>=', 0.4, 'not sooner than three syncs can tell';
    is_deeply [$cluster->generations], [2, 2, 2], 'by one change';
    is $cluster->node(2)->status->{switch}{by}, 'auto', 'by auto';
    wait_for('the command', SOON, sub { $_ = slurp($file); /\n/ });
    $cluster->comes_to('a closed side is drained, too', SOON, 'A', drain => 'drained');
    $_->graceful for $cluster->nodes;
    $cluster->node(0)->kill_all;
    $cluster->node(0)->start;
    $cluster->comes_to('still so after restarts', 10, 'A', drain => 'drained');
    watch(1, sub { () });
    is slurp($file), "contact A 1\n", 'the command ran once in the whole cluster';
    $cluster->logs_are_clean;
};

subtest 'a UNIX socket, and IPv6' => sub {
    for my $how ([socket => 1], [host => '::1']) {
        next if "@$how" =~ /::1/ && !IO::Socket::IP->new(LocalAddr => '::1', Listen => 1);
        my $store = ABSwitch::Memcached->new(@$how)->start;
        my $cluster = cluster(store => $store, nodes => 2);
        $cluster->flip('B');
        $cluster->comes_to("@$how: a drain is proven", SOON, 'A', sessions => 0, drain => 'drained');
        is_deeply $cluster->whole->{store}{servers}, [{ server => $store->address, state => 'up' }], "@$how: the server";
        $cluster->logs_are_clean;
    }
};

my $app = <<'CONF';
<ABSwitch contact>
    ABSwitchLaunchpad /contact
    ABSwitchSide A /contact/A
    ABSwitchSide B /contact/B
</ABSwitch>
CONF

# --- configuration ---------------------------------------------------------------------------------------------

subtest 'the secret of a cluster is given, not made' => sub {
    my $httpd = ABSwitch::Httpd->new(name => 'config');
    my ($exit, $output) = $httpd->configtest("ABSwitchStore memcache:127.0.0.1\n$app");
    isnt $exit, 0, 'without ABSwitchSecretFile';
    like $output, qr/ABSwitchSecretFile/, 'which is named';
    my $keys = $httpd->write('conf/keys', 'k ' . '0f' x 32 . "\n", 0600);
    ($exit, $output) = $httpd->configtest("ABSwitchStore memcache:127.0.0.1\nABSwitchSecretFile $keys\n$app");
    is $exit, 0, 'with it' or diag $output;
};

subtest 'addresses' => sub {
    my $httpd = ABSwitch::Httpd->new(name => 'config');
    my $keys = $httpd->write('conf/keys', 'k ' . '0f' x 32 . "\n", 0600);
    my $test = sub ($at) { $httpd->configtest("ABSwitchStore \"$at\"\nABSwitchSecretFile $keys\n$app") };
    for my $good (qw(127.0.0.1 localhost:11211 db:65535 [::1]:11211 [::1] /run/memcached/socket), '127.0.0.1:1,127.0.0.1:2') {
        my ($exit, $output) = $test->("memcache:$good");
        is $exit, 0, $good or diag $output;
    }
    for my $bad (qw(memcache redis:h), map { "memcache:$_" } qw(h:0 h:65536 h:99999 h:x h: :11211 [::1 ::1 [x]:1), '', ',',
        'a,,b', 'a,', 'a b') {
        my ($exit, $output) = $test->($bad);
        isnt $exit, 0, "refused: $bad";
        like $output, qr/ABSwitchStore.*\Q$bad\E|ABSwitchStore/, '... naming the directive';
    }
};

done_testing;
