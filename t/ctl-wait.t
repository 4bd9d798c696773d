#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# abswitchctl wait and watch: on a pipe and on a terminal, through restarts of the server, until a drain ends.

use v5.36;
use JSON::PP;
use Test::More;
use ABSwitch::Ctl;
use ABSwitch::FakeServer;
use ABSwitch::Host qw(repo run);
use ABSwitch::Manager;
use ABSwitch::Site;
use ABSwitch::TempDir;
use ABSwitch::Wait;

my $site = ABSwitch::Site->new(
    app => "ABSwitchLogout /logout\nABSwitchIdleTimeout 1h",
    conf => ABSwitch::Manager::OPEN);
$site->write('htdocs/contact/A/logout', "bye\n");
$site->write('htdocs/contact/B/logout', "bye\n");
$site->start;
my $ctl = ABSwitch::Ctl->new(url => $site->origin . '/abswitch-manager', deadline => 30);

# A browser with a session that is counted.
sub arrive () {
    my $browser = $site->browser;
    $browser->type_in('/contact');
    $browser->follow;
    return $browser;
}

sub leave ($browser, $side) {
    $browser->click("/contact/$side/logout");
    return;
}

sub sessions_are ($side, $n) {
    return wait_for "$n sessions on $side, none in flight", 10, sub {
        $_ = join ' ', $site->side($side)->@{qw(sessions in_flight)};
        $_ eq "$n 0";
    };
}

# A manager with a script: each question gets the next answer, the last one stays.
sub scripted (@answers) {
    my $dir = temp_dir('script');
    return ABSwitch::FakeServer->new(sub ($request) {
        my $n = () = glob "$dir/*";
        open my $file, '>', "$dir/$n.$$";
        return ABSwitch::FakeServer::http(encode_json($answers[$n] // $answers[-1]));
    });
}

# What a manager says of A.
sub said (%side) {
    my $generation = delete $side{generation} // 5;
    my $json = decode_json(ABSwitch::Host::slurp(repo('t/data/manager.json')));
    $json->{apps}[0]{switch}{generation} = $generation;
    my $A = $json->{apps}[0]{sides}[0];
    @$A{ keys %side } = values %side;
    return $json;
}

my %DRAINED = (drain => 'drained', sessions => 0);
my %UNKNOWN = (drain => 'unknown', reason => 'node web2:80 is silent', sessions => undef);

my @script = (
    unknown => ['--fail-unknown'], [said(%UNKNOWN)],
    unknown_short => ['--timeout', '8s', '--fail-unknown'], [said(%UNKNOWN)],
    unknown_wait => ['--timeout', '8s'], [said(%UNKNOWN)],
    passing => ['--fail-unknown'], [said(%UNKNOWN), said(sessions => 1), said(%UNKNOWN), said(%DRAINED)],
    open => [], [said(state => 'open', drain => 'open', generation => 4), said(), said(%DRAINED)],
    late => [], [said(), said(%DRAINED, generation => 4), said(sessions => 2), said(%DRAINED)],
);
# They take their time while the rest goes on; what came of them is looked at further below.
my (%of, @servers);
while (my ($name, $options, $answers) = splice @script, 0, 3) {
    push @servers, scripted(@$answers);
    $of{$name} = $ctl->with(url => $servers[-1]->url)->start('wait', 'contact', 'A', @$options);
}

subtest 'a side that does not drain' => sub {
    wait_for 'B to be drained, which never was used', 10, sub { $_ = $site->side('B')->{drain}; $_ eq 'drained' };
    ends $ctl->run('wait', 'contact', 'B'), 0, out => qr/\A\S+  contact B: drained\n\z/, 'one that is drained already';
    ends $ctl->run('wait', 'contact', 'A'), 1, out => qr/\A\S+  contact A: open\n\z/,
        err => qr/\Aabswitchctl: contact A is open, so it does not drain: generation 0 by default: [ -~]+\n\z/, 'open';
    ends $ctl->run('wait', 'contact', 'A', '--timeout', '0'), 1, out => qr/open/, err => qr/is open/,
        'at once with --timeout 0';
    ends $ctl->run('wait', 'contact', 'C'), 1, err => qr/contact has no side "C"/, 'an unknown side';
    ends $ctl->run('wait', 'nope', 'A'), 1, err => qr/no application "nope"/, 'an unknown application';
    ends $ctl->with(url => 'http://127.0.0.1:1/')->run('wait', 'contact', 'A', '--timeout', '5s'), 4,
        err => qr/cannot be reached/,
        'a server that never answered';
};

subtest 'the pipeline' => sub {
    my @people = map { arrive() } 1 .. 2;
    sessions_are(A => 2);
    my $dir = temp_dir('pipeline');
    my $tool = repo('build/abswitchctl');
    my $pid = fork // die $!;
    if (!$pid) {
        $ENV{ABSWITCH_URL} = $ctl->{url};
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
        my $line = "$tool flip contact B && $tool wait contact A && touch $dir/undeployed";
        { no warnings 'exec'; exec 'sh', '-c', "exec >$dir/out 2>&1; $line"; }
        POSIX::_exit(127);
    }
    wait_for 'the flip', 10, sub { $_ = $site->status->{switch}{weights}{B}; $_ == 1 };
    leave($people[0], 'A');
    sessions_are(A => 1);
    ok !-e "$dir/undeployed", 'A stays while somebody is on it';
    leave($people[1], 'A');
    wait_for 'A to be undeployed', 15, sub { -e "$dir/undeployed" };
    is $site->side('A')->{drain}, 'drained', 'after it was drained';
    waitpid $pid, 0;
    my $said = ABSwitch::Host::slurp("$dir/out");
    like $said,
        qr/\Acontact: generation 1; .*\n(?:\S+  contact A: .*\n)*\S+  contact A: drained\n\z/,
        'what it printed' or diag $said;
};

subtest 'on a pipe' => sub {
    $ctl->run('flip', 'contact', 'A');
    my @people = map { arrive() } 1 .. 3;
    sessions_are(A => 3);
    $ctl->run('flip', 'contact', 'B');
    my $p = $ctl->start('wait', 'contact', 'A');
    my $at = qr/at (?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d/;
    $p->until(qr/\A\S+  contact A: 3 sessions, 0 in flight; ends $at at the latest, $at if nobody clicks\n/,
        'the first line');
    leave($people[0], 'A');
    $p->until(qr/ contact A: 2 sessions,/, 'the next, when one leaves');
    $ctl->run('close', 'contact', 'A');
    my $r = $p->end;
    is $r->{exit}, 0, 'a side that is closed while one waits is drained too';
    my @lines = split /\n/, $r->{out};
    is scalar(grep { $lines[$_] =~ s/\A\S+//r eq $lines[$_ - 1] =~ s/\A\S+//r } 1 .. $#lines), 0, 'no line comes twice';
    unlike $r->{out}, qr/[^\n -~]/, 'nothing for a terminal';
    is $r->{err}, '', 'no error';

    $ctl->run('flip', 'contact', 'A');
    @people = map { arrive() } 1 .. 2;
    sessions_are(A => 2);
    $ctl->run('flip', 'contact', 'B');
    $r = $ctl->run('wait', 'contact', 'A', '--timeout', '3s');
    ends $r, 3, out => qr/2 sessions/,
        err => qr/\Aabswitchctl: contact A is not drained after 3 s: 2 sessions, 0 in flight; [ -~]+\n\z/,
        'time is up';
    ends $ctl->run('wait', 'contact', 'A', '--timeout', '0'), 3, out => qr/2 sessions/,
        err => qr/not drained after 0 s/, 'no time at all';
    $r = $ctl->run('wait', 'contact', 'A', '--timeout', '3s', '--json');
    my @json = map { decode_json($_) } split /\n/, $r->{out};
    is_deeply [$json[0]->@{qw(app side state drain sessions in_flight)}],
        ['contact', 'A', 'draining', 'draining', 2, 0], '--json: a change';
    is_deeply [$json[-1]->@{qw(ok exit)}], [JSON::PP::false, 3], '--json: the end';

    $p = $ctl->start('wait', 'contact', 'A');
    $p->until(qr/2 sessions/);
    $ctl->run('flip', 'contact', 'A');
    ends $p->end, 1, out => qr/open\n\z/, err => qr/is open, so it does not drain: generation \d+ by 127/,
        'somebody opens it again';
    leave($_, 'A') for @people;
    sessions_are(A => 0);
};

subtest 'on a terminal' => sub {
    $ctl->run('flip', 'contact', 'A');
    my $anna = arrive();
    sessions_are(A => 1);
    $ctl->run('flip', 'contact', 'B');
    my $p = $ctl->terminal('wait', 'contact', 'A');
    $p->until(qr/(?:\r\S+  contact A: 1 session, 0 in flight; ends at [^\n]*\e\[K){2}/, 'a line in its place');
    unlike $p->out, qr/\n/, 'and only one';
    leave($anna, 'A');
    my $r = $p->end;
    is $r->{exit}, 0, 'drained';
    like $r->{out}, qr/\r\S+  contact A: drained\e\[K\n\z/, 'the last line stays';
    my @wide = grep { length(s/\e\[K//r) > 99 } split /\r/, $r->{out};
    is_deeply \@wide, [], 'no line is wider than the terminal';

    $ctl->run('flip', 'contact', 'A');
    $anna = arrive();
    $ctl->run('flip', 'contact', 'B');
    for my $signal (qw(INT TERM HUP)) {
        $p = $ctl->terminal('wait', 'contact', 'A');
        $p->until(qr/1 session/);
        $signal eq 'INT' ? $p->type("\x03") : $p->signal($signal);
        $r = $p->end;
        is $r->{exit}, { INT => 130, TERM => 143, HUP => 129 }->{$signal}, "$signal ends it";
        like $r->{out}, qr/\n\z/, 'on a line of its own';
    }
    $p = $ctl->with(env => { TERM => 'dumb' })->terminal('wait', 'contact', 'A', '--timeout', '3s');
    unlike $p->end->{out}, qr/[\e\r]/, 'a dumb terminal gets lines';
    leave($anna, 'A');
    sessions_are(A => 0);
};

subtest 'a server that is restarted' => sub {
    $ctl->run('flip', 'contact', 'A');
    my $anna = arrive();
    sessions_are(A => 1);
    $ctl->run('flip', 'contact', 'B');
    my $p = $ctl->start('wait', 'contact', 'A');
    my $t = $ctl->terminal('wait', 'contact', 'A');
    my $w = $ctl->start('watch', 'contact');
    $_->until(qr/1 session|draining/) for $p, $t, $w;
    $site->graceful;
    $site->stop;
    # A server that is about to go may still take a connection, which it then breaks off.
    my $silent = qr/(?:cannot be reached|gives no answer that is HTTP)/;
    $p->until(qr/abswitchctl: .*$silent: .*; still waiting\n/, 'it tells that nobody answers');
    $t->until(qr/still waiting\n/, 'on a terminal');
    $w->until(qr/no answer\n.*$silent/, 'watch too');
    my $r = $ctl->run('wait', 'contact', 'A');
    is $r->{exit}, 4, 'who comes now does not wait';
    $site->start;
    $p->until(qr/still waiting\n.*abswitchctl: the server answers again\n/s, 'and that somebody does');
    sessions_are(A => 1);
    leave($anna, 'A');
    $r = $p->end;
    is $r->{exit}, 0, 'the wait went on';
    is scalar(() = $r->{err} =~ /still waiting/g), 1, 'an outage is told once';
    is $t->end->{exit}, 0, 'on a terminal too';
    $w->signal('INT');
    is $w->end->{exit}, 0, 'Ctrl-C ends watch';

    $ctl->run('flip', 'contact', 'A');
    $anna = arrive();
    sessions_are(A => 1);
    $ctl->run('flip', 'contact', 'B');
    $p = $ctl->start('wait', 'contact', 'A', '--timeout', '10s');
    $p->until(qr/1 session/);
    $site->stop;
    ends $p->end, 3, out => qr/1 session/,
        err => qr/\A[^\n]+; still waiting\n[^\n]+ is not drained after 10 s: the server does not answer\n\z/,
        'it does not wait for ever';
    $site->start;
    leave($anna, 'A');
    sessions_are(A => 0);
};

subtest 'an unknown drain' => sub {
    my $unknown = qr/unknown: node web2:80 is silent; /;
    my $reason = qr/the drain of contact A is unknown: node web2:80 is silent\n\z/;
    ends $of{unknown}->end, 5, out => qr/contact A: an unknown number of sessions, 0 in flight; $unknown/,
        err => qr/\Aabswitchctl: $reason/, '--fail-unknown';
    ends $of{unknown_short}->end, 5, out => $unknown, err => $reason, 'also when time is up';
    ends $of{unknown_wait}->end, 3, out => $unknown, err => qr/not drained after 8 s: .* $unknown/,
        'else it is waited for';
    my $r = $of{passing}->end;
    ends $r, 0, out => qr/$unknown.*1 session,.*$unknown.*drained\n\z/s, 'one that passes within three seconds is none';
};

subtest 'a node that is behind' => sub {
    ends $of{open}->end, 0, out => qr/open\n.*3 sessions.*drained\n\z/s, 'it may say open at first';
    my $r = $of{late}->end;
    ends $r, 0, out => qr/3 sessions.*2 sessions.*drained\n\z/s, 'what it says of an earlier drain does not count';
    is scalar(() = $r->{out} =~ /drained/g), 1, 'nor is it shown';
};

subtest 'watch' => sub {
    my $p = $ctl->start('watch');
    $p->until(qr/^contact  .*^store: local, up\n/ms, 'a block');
    my $generation = $site->status->{switch}{generation};
    $ctl->run('flip', 'contact', 'A');
    $p->until(qr/generation @{[$generation + 1]} /, 'another when something changes');
    $p->signal('INT');
    my $r = $p->end;
    ends $r, 0, out => qr/\A\d\d:\d\d:\d\d  \S+\n/, 'Ctrl-C ends it';
    unlike $r->{out}, qr/[^\n -~]/, 'nothing for a terminal';

    my $t = $ctl->terminal('watch', 'contact');
    $t->until(qr/\e\[H.*?contact.*\e\[J\e\[H.*\e\[J/s, 'a screen, and again');
    $t->type("\x03");
    is $t->end->{exit}, 0, 'Ctrl-C';
    $t = $ctl->with(env => { NO_COLOR => 1 })->terminal('watch', 'contact');
    $t->until(qr/store: local, up\e\[K/);
    $t->signal('TERM');
    $r = $t->end;
    is $r->{exit}, 143, 'TERM';
    unlike $r->{out}, qr/\e\[[\d;]*m/, 'NO_COLOR';

    my $j = $ctl->start('watch', 'contact', '--json');
    $j->until(qr/\n.*\n/, 'two objects');
    $j->signal('INT');
    my ($first) = split /\n/, $j->end->{out};
    is decode_json($first)->{apps}[0]{app}, 'contact', 'are JSON';
    ends $ctl->run('watch', 'nope'), 1, err => qr/no application "nope"/, 'an unknown application';
};

$site->log_is_clean;
done_testing;
