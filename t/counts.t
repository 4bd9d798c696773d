#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Sessions and requests in flight are counted exactly, through restarts, kills and time-outs.

use v5.36;
use IO::Socket::INET;
use Test::More;
use ABSwitch::Site;
use ABSwitch::Wait;

use constant USERS => 500;

# A token as the launchpad hands it out; brought back once if $back.
sub enter ($client, $back = 1) {
    my $answer = $client->get('/contact', Accept => 'text/html');
    my $token = $answer->cookie('abswitch_contact')->{value};
    click($client, $token, $answer->location) if $back;
    return $token;
}

sub click ($client, $token, $path = '/contact/A/') {
    return $client->get($path, Accept => 'text/html', Cookie => "abswitch_contact=$token");
}

sub sessions ($site, $side = 'A') { return $site->side($side)->{sessions} }

for my $mpm (ABSwitch::Site->mpms) {
    subtest "$mpm: ${\USERS} sessions" => sub {
        my $site = ABSwitch::Site->new(mpm => $mpm, app => 'ABSwitchLogout /logout', conf => 'MaxKeepAliveRequests 0')->start;
        my $client = $site->client->connection;
        is sessions($site), 0, 'nobody is there at first';
        enter($client, 0) for 1 .. 20;
        is sessions($site), 0, 'a token that has not come back is no session';
        my @tokens = map { enter($client) } 1 .. USERS;
        $client->close;
        is sessions($site), USERS, 'everybody is counted';
        click($site->client, $_) for @tokens[0 .. 49];
        is sessions($site), USERS, 'nobody is counted twice';

        for my $how (qw(graceful restart)) {
            $site->$how;
            is sessions($site), USERS, "... nor lost by a $how";
            is click($site->client, $tokens[7])->header('X-Verdict'), 'pass', 'the tokens hold';
        }
        $site->kill_all;
        $site->start;
        is sessions($site), USERS, '... nor by SIGKILL of every process';
        $site->stop;
        $site->start;
        is sessions($site), USERS, '... nor by a stop and a start';
        is sessions($site, 'B'), 0, 'the other side is empty';
        is $site->status->{verdicts}{launchpad}, USERS + 20, 'the verdict totals are kept, too';

        $client = $site->client->connection;
        click($client, $tokens[$_], '/contact/A/logout') for 0 .. 99;
        is sessions($site), USERS - 100, 'a logout shows at once';
        $client->close;
        $site->flip('B');
        is sessions($site), USERS - 100, 'a flip takes nobody away';
        my $browser = $site->browser;
        $browser->jar->put(name => "abswitch_contact", value => $tokens[200], path => "/contact");
        $browser->post_form('/contact', '');
        is sessions($site), USERS - 101, 'entering anew ends the old session';
        $browser->follow;
        is sessions($site, 'B'), 1, 'and begins one on the current side';
        $site->log_is_clean;
    };
}

subtest 'a session is idle, comes back, is cut off' => sub {
    my $site = ABSwitch::Site->new(
        app => "ABSwitchIdleTimeout 5s\nABSwitchMaxLoginTime 1h")->start;
    my $before = int time;
    my $token = enter($site->client);
    my $after = time;
    is sessions($site), 1, 'counted';
    my $empty = $site->side('A')->{empty_if_idle};
    ok $empty >= $before + 5 && $empty <= $after + 8, 'the page knows when it will be idle' or diag "$before $empty $after";
    wait_for 'the idle time-out', 10, sub { $_ = sessions($site); $_ == 0 };
    is $site->side('A')->{empty_if_idle}, undef, 'then there is nothing to wait for';
    is click($site->client, $token)->header('X-Verdict'), 'pass', 'it comes back';
    is sessions($site), 1, 'and is counted again';
    my $old = $site->token(side => 'A', login => time - 3600 + 8);
    is click($site->client, $old)->header('X-Verdict'), 'pass', 'an old one is alive';
    is sessions($site), 2, 'and counted';
    wait_for 'its cut-off', 10, sub { click($site->client, $_) for $token, $old; $_ = sessions($site); $_ == 1 };
    is click($site->client, $old)->location, '/contact?abswitch=expired', 'by the server, too';
    $site->log_is_clean;
};

subtest 'testers are counted apart' => sub {
    my $site = ABSwitch::Site->new(app => 'ABSwitchOverride /door true')->start;
    my $tester = $site->browser;
    $tester->type_in('/door/B');
    $tester->follow;
    is_deeply [@{ $site->side('B') }{qw(sessions testers)}], [0, 1], 'on their side';
    $tester->click('/contact/B/');
    is $site->side('B')->{testers}, 1, 'once';
    $tester->fetch('/contact/A/');
    is_deeply [@{ $site->side('A') }{qw(sessions testers)}], [0, 1], 'on a side they visit, too';
    $tester->type_in('/door/off');
    is_deeply [@{ $site->side('B') }{qw(sessions testers)}], [0, 1], 'the cookie is not sent to a door outside of its path';
    $site->log_is_clean;
};

subtest 'a visitor counts on both sides' => sub {
    my $site = ABSwitch::Site->new->start;
    my $anna = $site->browser;
    $anna->type_in('/contact');
    $anna->follow;
    $anna->fetch('/contact/B/');
    is_deeply [sessions($site, 'A'), sessions($site, 'B')], [1, 1], 'the one of the path, and the own';
    $site->log_is_clean;
};

subtest 'a full table' => sub {
    my $site = ABSwitch::Site->new(server => "ABSwitchSync 100ms\nABSwitchSessions 1024",
        app => "ABSwitchIdleTimeout 8s", conf => 'MaxKeepAliveRequests 0')->start;
    my $client = $site->client->connection;
    my @requests = map { "GET /contact/A/ HTTP/1.1\r\nHost: x\r\nCookie: abswitch_contact=$_\r\n\r\n" }
        map { $site->token(side => 'A') } 1 .. 1600;
    my $odd = 0;
    # As fast as can be, for those who came first will be idle.
    while (my @some = splice @requests, 0, 50) {
        $client->open->send(join '', @some);
        $odd += grep { ($client->open->response->header('X-Verdict') // '') ne 'pass' } @some;
    }
    is $odd, 0, 'users do not notice';
    my $side = $site->side('A');
    cmp_ok $side->{sessions}, '>=', 1024, 'at least what the table holds';
    ok !$side->{exact}, 'and no claim that it is exact';
    like $site->client->get('/abswitch-status')->body, qr{<p class="count">at least <b>1,\d{3}</b> sessions</p>}, 'on the page, too';
    $site->flip('B');
    wait_for 'the drain to be unknown', 5, sub { $_ = $site->side('A'); $_->{drain} eq 'unknown' };
    like $site->side('A')->{reason}, qr/room|full/, 'with its reason';
    wait_for 'it to be drained an idle time-out later', 25, sub { $_ = $site->side('A'); $_->{drain} eq 'drained' };
    $client->close;
    $site->expect_log(qr/ABSwitchSessions|no room|full/);
    $site->log_is_clean;
};

# --- requests in flight ---------------------------------------------------------------------------------------

sub in_flight ($site, $side = 'A') { return $site->side($side)->{in_flight} }

for my $mpm (ABSwitch::Site->mpms) {
    subtest "$mpm: requests in flight" => sub {
        my $silent = IO::Socket::INET->new(Listen => 20, LocalAddr => '127.0.0.1') or die "listen: $@";
        my $port = $silent->sockport;
        my $site = ABSwitch::Site->new(mpm => $mpm, conf => <<"CONF")->start;
ProxyPass /contact/A/slow http://127.0.0.1:$port/
ProxyTimeout 60
CONF
        my @waiting = map {
            my $open = $site->client->open;
            $open->send("GET /contact/A/slow/$_ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
            $open;
        } 1 .. 3;
        wait_for 'three of them', 5, sub { $_ = in_flight($site); $_ == 3 };
        is $site->side('A')->{drain}, 'open', 'an open side does not drain';
        $site->flip('B');
        is $site->side('A')->{drain}, 'draining', 'a draining one is not drained before they are done';

        $site->graceful(stays => 3);
        is in_flight($site), 3, 'a graceful restart keeps those of the old children';

        my @backend = map { $silent->accept } 1 .. 3;
        print { $backend[0] } "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
        close $backend[0];
        wait_for 'one to be done', 5, sub { $_ = in_flight($site); $_ == 2 };

        my $children = join ' ', $site->children;
        my %serves = map { $_ => 1 } grep { /^\d+$/ } split ' ', $children;
        kill 'KILL', keys %serves;
        wait_for 'killed children to leak none', 10, sub { $_ = eval { in_flight($site) }; defined && $_ == 0 };
        wait_for 'the drain to be proven', 10, sub { $_ = $site->side('A'); $_->{drain} eq 'drained' };
        $site->expect_log(qr/AH00052|AH00051|AH1039[23]|child pid \d+ exit signal Killed/);
        $site->log_is_clean;
    };
}

done_testing;
