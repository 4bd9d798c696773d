#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Responses per side, by class and by time to serve: what counts and what does not, that no restart or kill takes a count
# away, and that whoever looks sees which side fails.

use v5.36;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);
use ABSwitch::Site;
use ABSwitch::Wait;

use constant BOUNDS => qw(0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf);
use constant ANSWERS => <<'CONF';
Redirect 302 /contact/A/moved /contact/A/
Redirect 503 /contact/A/broken
Redirect 503 /contact/B/broken
Redirect 403 /contact/B/forbidden
Redirect 500 /contact/A/paged
ErrorDocument 500 /error.html
<Directory "${ROOT}/htdocs/contact/A">
    RewriteEngine on
    RewriteBase /contact/A
    RewriteRule ^inner$ /nowhere [L]
</Directory>
MaxKeepAliveRequests 0
CONF

# The classes of a side, as far as they are not zero: "2xx 4, 5xx 1".
sub classes ($responses) {
    return join ', ', map { $responses->{$_} ? "$_ $responses->{$_}" : () } qw(2xx 3xx 4xx 5xx);
}

# A count is taken when the last byte is out, which the client may see before.
sub counts_are ($site, $side, $expected, $name, $part = undef) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $is;
    poll(5, sub { my $r = $site->side($side)->{responses}; $is = classes($part ? $r->{$part} : $r); $is eq $expected });
    return is $is, $expected, $name;
}

# The samples of a metric with their labels: { 'app="contact",side="A"' => 12 }
sub samples ($site, $metric) {
    my $text = $site->client->get('/abswitch-status?format=prometheus')->body;
    return { $text =~ /^\Q$metric\E\{(.*?)\} (\S+)$/mg };
}

sub total ($site, $side) {
    my $samples = samples($site, 'abswitch_responses_total');
    my $sum = 0;
    $sum += $samples->{"app=\"contact\",side=\"$side\",class=\"$_\""} for qw(2xx 3xx 4xx 5xx);
    return $sum;
}

for my $mpm (ABSwitch::Site->mpms) {
    subtest $mpm => sub {
        my $site = ABSwitch::Site->new(mpm => $mpm, conf => ANSWERS, app => 'ABSwitchLogout /logout');
        $site->write('htdocs/error.html', 'an error page');
        $site->start;
        my $client = $site->client;
        counts_are($site, 'A', '', 'none at first');
        is $site->side('A')->{responses}{median}, undef, 'so none took any time';

        $client->get('/contact/A/', Accept => '*/*') for 1 .. 5;
        $client->get('/contact/A/moved');
        $client->get('/contact/A/missing');
        is $client->get('/contact/A/inner')->status, 404, 'an internal redirect counts by its end';
        $client->get('/contact/A/broken') for 1, 2;
        is $client->get('/contact/A/paged')->body, 'an error page', 'an error page';
        is $client->head('/contact/A/')->status, 200, 'a HEAD';
        is $client->post('/contact/A/logout', '')->status, 404, 'a logout passes, too';
        counts_are($site, 'A', '2xx 6, 3xx 1, 4xx 3, 5xx 3', 'responses by class');
        counts_are($site, 'B', '', 'the other side has none');
        counts_are($site, 'A', '2xx 6, 3xx 1, 4xx 3, 5xx 3', 'all of them recent', 'recent');

        # What the module answers itself is no response of the application.
        $client->get('/contact', Accept => 'text/html');
        $client->get('/contact/A/', 'Sec-Purpose' => 'prefetch', Accept => 'text/html');
        $client->get('/contact/A/', Accept => 'text/html', Cookie => 'abswitch_contact=' . $site->token(side => 'B', login => int(time) - 60));
        $client->get('/outside');
        counts_are($site, 'A', '2xx 6, 3xx 1, 4xx 3, 5xx 3', 'redirects and refusals of the module are left out');

        for my $how (qw(graceful restart graceful)) {
            my $before = total($site, 'A');
            $site->$how;
            is total($site, 'A'), $before, "a $how takes none away";
            $site->client->get('/contact/A/', Accept => '*/*');
            poll(5, sub { total($site, 'A') > $before });
            is total($site, 'A'), $before + 1, '... and counting goes on';
        }
        counts_are($site, 'A', '2xx 9, 3xx 1, 4xx 3, 5xx 3', 'the recent ones are kept, too', 'recent');

        my $before = total($site, 'A');
        kill 'KILL', $site->children;
        wait_for 'new children', 10, sub { eval { $site->client->get('/contact/B/', Accept => '*/*')->status == 200 } };
        is total($site, 'A'), $before, 'SIGKILL of every child takes none away';

        $site->stop;
        $site->start;
        counts_are($site, 'A', '', 'a stop and a start begin anew');
        $site->expect_log(qr/AH00052|AH00051|AH1039[23]|child pid \d+ exit signal Killed/);
        $site->log_is_clean;
    };
}

# --- time to serve --------------------------------------------------------------------------------------------

subtest 'time to serve, and what has no end' => sub {
    my ($silent, $sockets) = map { IO::Socket::INET->new(Listen => 20, LocalAddr => '127.0.0.1') // die "listen: $@" } 1, 2;
    my ($port, $socket_port) = map { $_->sockport } $silent, $sockets;
    my $site = ABSwitch::Site->new(modules => ['proxy_wstunnel'], conf => <<"CONF")->start;
ProxyPass /contact/A/slow http://127.0.0.1:$port/
ProxyPass /contact/A/socket http://127.0.0.1:$socket_port/ upgrade=websocket
CONF
    my $open = $site->client->open;
    my $asked = time;
    $open->send("GET /contact/A/slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    my $backend = $silent->accept;
    my $began = time;
    wait_for 'a while', 5, sub { time - $began > 0.3 };
    print $backend "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
    close $backend;
    is $open->response->body, 'ok', 'a slow answer';
    my $longest = time - $asked;
    counts_are($site, 'A', '2xx 1', 'is one response');

    my $buckets = samples($site, 'abswitch_response_seconds_bucket');
    my @row = map { $buckets->{"app=\"contact\",side=\"A\",le=\"$_\""} } BOUNDS;
    is_deeply [@row[0 .. 5]], [(0) x 6], 'it was in no bucket up to 0.25 s';
    is $row[-1], 1, 'and in the last one, that has all';
    my $sum = samples($site, 'abswitch_response_seconds_sum')->{'app="contact",side="A"'};
    ok $sum >= 0.3 && $sum <= $longest + 10, "the sum of seconds: $sum, as the client saw: $longest";
    my $responses = $site->side('A')->{responses};
    cmp_ok $responses->{seconds}{sum}, '==', $sum, 'JSON says the same';
    is_deeply [map { $responses->{seconds}{buckets}{$_} } BOUNDS], \@row, 'of the histogram, too';
    cmp_ok $responses->{median}, '>', 0.25, 'the median is in the same bucket';

    my $socket = $site->client->open;
    $socket->send("GET /contact/A/socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        . "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n");
    $backend = $sockets->accept;
    sysread $backend, my $head, 4096;
    print $backend "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    is $socket->response->status, 101, 'a WebSocket';
    wait_for '... that is in flight, alone', 5, sub { ($_ = $site->side('A')->{in_flight}) == 1 };
    close $backend;
    $socket->close;
    wait_for 'it to end', 10, sub { $site->side('A')->{in_flight} == 0 };
    counts_are($site, 'A', '2xx 1', '... and no response, when it ends');
    $site->log_is_clean;
};

# --- what people see ------------------------------------------------------------------------------------------

subtest 'the page' => sub {
    my $site = ABSwitch::Site->new(conf => ANSWERS)->start;
    my $client = $site->client;
    my $page = sub { $site->client->get('/abswitch-status')->body };
    like $page->(), qr{<dt>Responses</dt><dd>0</dd>}, 'none yet';
    unlike $page->(), qr/Time to serve|fails more often/, 'so nothing is said of them';
    $client->get('/contact/A/') for 1 .. 1194;
    $client->get('/contact/A/broken') for 1 .. 6;
    $client->get('/contact/B/') for 1 .. 40;
    counts_are($site, 'A', '2xx 1194, 5xx 6', 'responses on A');
    counts_are($site, 'B', '2xx 40', 'and on B');
    like $page->(), qr{<dt>Responses</dt><dd>1,200, 0\.5 % 5xx</dd>}, 'how many, and how many of them failed';
    like $page->(), qr{<dt>Last 5 minutes</dt><dd>1,200, 0\.5 % 5xx</dd>}, '... of late';
    like $page->(), qr{<dt>Time to serve</dt><dd>median [\w ]+, 95th [\w ]+</dd>}, 'and how long they took';
    unlike $page->(), qr/fails more often/, 'a difference by chance is none';
    $client->get('/contact/B/forbidden') for 1 .. 20;
    $client->get('/contact/B/broken') for 1 .. 10;
    counts_are($site, 'B', '2xx 40, 4xx 20, 5xx 10', 'B fails');
    like $page->(), qr{<b>B fails more often than A\.</b> In the last 5 minutes 10 of 70 responses were 5xx, on A 6 of 1,200\.},
        'whoever looks sees it';
    my $text = $site->client->get('/abswitch-status?format=text')->body;
    like $text, qr/^contact\.B\.responses\.5xx: 10$/m, 'text: responses';
    like $text, qr/^contact\.B\.recent\.4xx: 20$/m, 'text: recent ones';
    like $text, qr/^contact\.B\.recent\.median: \d+\.\d{3}$/m, 'text: the median';
    $site->log_is_clean;
};

subtest 'another side in the place of one' => sub {
    my $site = ABSwitch::Site->new->start;
    $site->client->get('/contact/B/');
    counts_are($site, 'B', '2xx 1', 'B has one');
    $site->{sides} = ['A', map { "S$_" } 1 .. 15];
    $site->set_conf('');
    $site->graceful;
    is_deeply [map { classes($site->side("S$_")->{responses}) } 1 .. 15], [('') x 15], 'whoever has its place now has none';
    $site->log_is_clean;
};

done_testing;
