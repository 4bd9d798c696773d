#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# A flood: people without cookies at the launchpad, then forged tokens there and below a side, as many as there fit
# through. The table stays as it is, memory does not grow, and those who are at work are counted right all the time.
# FLOOD=1000000 makes it as many of each (make flood).

use v5.36;
use Test::More;
use ABSwitch::Ask;
use ABSwitch::Host qw(run slurp which);
use ABSwitch::Site;
use ABSwitch::Wait;

use constant HONEST => 25;
use constant FLOOD  => $ENV{FLOOD} || 20_000;

my $wrk = which('wrk') or plan skip_all => 'there is no wrk here';

my $site = ABSwitch::Site->new(app => "ABSwitchLogout /logout\n", server => "ABSwitchSync 100ms\nABSwitchSessions 1024",
    conf => <<'CONF')->start;
LogLevel warn
CustomLog /dev/null common
MaxKeepAliveRequests 0
# As many threads in one child as there are connections: when all are busy, httpd closes some that wait.
StartServers 2
ThreadsPerChild 64
MinSpareThreads 64
MaxSpareThreads 256
MaxRequestWorkers 128
CONF
my @honest = map { token_text('A') } 1 .. HONEST;
my $line = $site->client->connection;
my @odd;

# Each of them clicks, and is seen as what they are.
sub click () {
    for my $token (@honest) {
        my @click = (at => '/contact/A/', as => 'script', token => $token);
        my $r = ask($site, client => $line, @click);
        if (!$r->status) {      # a connection that was closed while it waited: a browser asks again
            $line = $site->client->connection;
            $r = ask($site, client => $line, @click);
        }
        push @odd, $r->status . ' ' . ($r->header('X-Verdict') // 'no verdict') if ($r->header('X-Verdict') // '') ne 'pass';
    }
    my $side = $site->side('A');
    my $seen = join ' ', @$side{qw(sessions testers exact)};
    push @odd, "counted: $seen" if $seen ne HONEST . ' 0 1';
    return;
}

# Memory of its own of every process of the server, in KB.
sub memory () {
    my $sum = 0;
    for my $pid ($site->pid, $site->children) {
        $sum += $1 if slurp("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m;
    }
    return $sum;
}

# wrk for some seconds at a time until so many were answered; honest people click meanwhile.
sub flood ($path, $script, $wanted) {
    my $lua = $site->write('flood.lua', $script);
    my ($answered, $failed, $refused) = (0, 0, 0);
    while ($answered < $wanted) {
        my $seconds = $wanted > 100_000 ? 10 : 1;
        my $file = $site->path('wrk.out');
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            open STDOUT, '>', $file;
            exec $wrk, '-t1', '-c16', "-d${seconds}s", '-H', 'Accept: text/html', '-s', $lua, $site->origin . $path;
        }
        click() while !waitpid $pid, POSIX::WNOHANG();
        my $said = slurp($file);
        my ($n) = $said =~ /(\d+) requests in/ or die "wrk: $said";
        $answered += $n;
        $failed += $1 + $2 if $said =~ /read (\d+), write (\d+)/;
        $refused += $1 if $said =~ /Non-2xx or 3xx responses: (\d+)/;
    }
    return ($answered, $failed, $refused);
}

# Well-formed, and signed by nobody: new ids, ids of people who are there, a tester's flag.
my $known = join ', ', map { '"' . (split /\./)[5] . '"' } @honest;
my $forged = <<"LUA";
local known = { $known }
local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
local login = @{[ time - 5 ]}
local n = 0
local function some(count)
    local text = {}
    for i = 1, count do
        local at = math.random(64)
        text[i] = letters:sub(at, at)
    end
    return table.concat(text)
end
function request()
    n = n + 1
    local id = n % 3 == 0 and known[n % #known + 1] or some(21) .. "A"
    local token = "1.k.A." .. (n % 5 == 0 and "t" or "-") .. "." .. login .. "." .. id .. "." .. some(21) .. "A"
    return wrk.format("GET", nil, { Cookie = "abswitch_contact=" .. token, Accept = "text/html" })
end
LUA

click() for 1 .. 3;
wait_for 'the honest to be counted', 5, sub { $_ = $site->side('A')->{sessions}; $_ == HONEST };
@odd = ();
for my $flood (['people without cookies', '/contact', ''], ['forged tokens at the launchpad', '/contact', $forged],
    ['forged tokens below a side', '/contact/A/', $forged]) {
    my ($name, $path, $script) = @$flood;
    flood($path, $script, FLOOD / 10);      # as much memory as serving takes
    my ($before, $grown);
    # A thread that had nothing to do until now takes its memory, once; what a request leaves behind grows with each.
    for (1 .. 4) {
        $before = memory();
        my ($answered, $failed, $refused) = flood($path, $script, FLOOD);
        cmp_ok $answered, '>=', FLOOD, "$name: $answered requests";
        is_deeply [$failed, $refused], [0, 0], '... each was answered';
        is_deeply \@odd, [], '... honest people are at work, and all of them are counted' or @odd = ();
        $grown = memory() - $before;
        last if $grown < 4096;
    }
    cmp_ok $grown, '<', 4096, "... and memory has not grown (by $grown of $before KB)";
}
$line->close;
ask($site, at => '/contact/A/logout', token => $_, as => 'script') for @honest[0 .. 9];
sessions_are $site, 'whoever leaves is gone, and nobody is left over', { A => HONEST - 10, At => 0, B => 0, Bt => 0 };
wait_for 'none to be in flight', 5, sub { ($_ = $site->status->{sides}[0]{in_flight}) == 0 };
$site->log_is_clean;

done_testing;
