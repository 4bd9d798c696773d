#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The switch of one node: the file that an operator writes, what is taken up and what is not, the drain it begins,
# and how all of it outlives httpd.

use v5.36;
use Test::More;
use Time::HiRes qw(time);
use ABSwitch::Host qw(slurp);
use ABSwitch::Site;
use ABSwitch::Wait;

sub record ($site) { return $site->status->{switch} }
sub file ($site)   { return slurp($site->path('run/abswitch/contact.switch')) }
sub lands ($site)  { return $site->browser->type_in('/contact')->location }

subtest 'before any record' => sub {
    my $site = ABSwitch::Site->new(app => 'ABSwitchDefault B')->start;
    my $switch = record($site);
    is_deeply [@$switch{qw(generation at by)}], [0, undef, 'default'], 'generation 0, by default';
    is_deeply $switch->{weights}, { A => 0, B => 1 }, 'all weight on ABSwitchDefault';
    is $site->side('A')->{state}, 'draining', 'a side without weight is draining';
    is_deeply [@{ $site->side('A') }{qw(draining_since deadline)}], [undef, undef], 'since no one knows, with no deadline';
    is lands($site), '/contact/B/', 'people land on the default side';
    ok !-e $site->path('run/abswitch/contact.switch'), 'no record is made up';
    $site->log_is_clean;
};

subtest 'a bare name, weights, a full record' => sub {
    my $site = ABSwitch::Site->new->start;
    my $before = int time;
    $site->write_switch('B');
    wait_for 'B', 2, sub { $_ = record($site); $_->{weights}{B} };
    my $after = time;
    my $switch = record($site);
    is_deeply [@$switch{qw(generation by weights closed)}], [1, 'file', { A => 0, B => 1 }, []], 'generation 1, by file';
    ok $switch->{at} >= $before && $switch->{at} <= $after, 'now' or diag "$before $switch->{at} $after";
    like file($site), qr/\A\S.* gen=1 at=\d+ .*by=file/, 'the file holds the full record';
    is lands($site), '/contact/B/', 'people land on B';
    is $site->side('A')->{draining_since}, $switch->{at}, 'A drains since now';
    is $site->side('A')->{deadline}, $site->side('A')->{draining_since} + 8 * 3600, 'until the last session is too old';

    my $since = $site->side('A')->{draining_since};
    $site->write_switch("B \t\r\n");
    wait_for 'the record to be put back', 2, sub { $_ = file($site); /gen=1 / };
    is record($site)->{generation}, 1, 'what is so already changes nothing';

    $site->flip('A=75 B=25');
    is_deeply record($site)->{weights}, { A => 75, B => 25 }, 'weights';
    is_deeply [map { $site->side($_)->{state} } qw(A B)], [qw(open open)], 'two sides are open';

    my $now = int time;
    $site->flip("A=0 B=1 gen=40 at=$now by=anna since=A:$since note=by%20hand colour=red");
    $switch = record($site);
    is_deeply [@$switch{qw(generation at by note)}], [40, $now, 'anna', 'by hand'], 'a full record is taken as it is';
    $site->flip('A');
    like file($site), qr/gen=41 /, 'the next change is the next generation';
    is_deeply [map { $_->{generation} } $site->status->{log}->@*], [41, 40, 2, 1], 'the log has them all, newest first';
    is_deeply [@{ $site->status->{log}[0] }{qw(from to)}], [{ A => 0, B => 1 }, { A => 1, B => 0 }], 'with from and to';
    $site->log_is_clean;
};

subtest 'what changes nothing' => sub {
    my $site = ABSwitch::Site->new->start;
    $site->flip('B');
    for my $bad ('C', 'b', 'B x', 'A=0 B=0', 'A=-1', 'A=1e9', 'A=1000001', 'A=1 A=1', 'B=', '=1', "B\0", "\xff\xfe", 'B' x 100_000,
        'A gen=18446744073709551615', 'A gen=x at=1 by=x', 'A gen=5 at=1 by=x closed=C', "A\nB") {
        my $shown = $bad =~ s/[^ -~]/?/gr;
        $shown = substr($shown, 0, 40);
        my $log = () = $site->log_text =~ /contact/g;
        $site->write_switch($bad);
        wait_for "'$shown' to be noticed", 3, sub { $_ = (() = $site->log_text =~ /contact/g); $_ > $log };
        is_deeply record($site)->{weights}, { A => 0, B => 1 }, "'$shown' changes nothing";
        like $site->client->get('/abswitch-status')->body, qr/contact\.switch|switch/i, 'the page says so';
    }
    $site->flip('A');
    is lands($site), '/contact/A/', 'the next good value repairs it';
    $site->expect_log(qr/contact/);
    $site->log_is_clean;
};

subtest 'a bad value is said once' => sub {
    my $site = ABSwitch::Site->new->start;
    $site->flip('B');
    $site->write_switch('nonsense here');
    wait_for 'the log', 3, sub { $_ = $site->log_text; /nonsense|not.*pars|names no side|is no side/ };
    my $lines = sub { scalar(() = $site->log_text =~ /\[abswitch:(?:error|warn)\]/g) };
    is $lines->(), 1, 'once';
    $site->write('run/abswitch/other', '') for 1 .. 3;
    watch(1, sub { () });
    is $lines->(), 1, 'and not at every sync';
    $site->expect_log(qr/\[abswitch:/);
    $site->log_is_clean;
};

subtest 'an older record never wins' => sub {
    my $site = ABSwitch::Site->new->start;
    $site->flip('B');
    my $old = file($site);
    $site->flip('A');
    $site->write('run/abswitch/contact.switch', $old);
    wait_for 'the newer one to be put back', 3, sub { $_ = file($site); /gen=2 / };
    is record($site)->{generation}, 2, 'the switch has not moved';
    unlink $site->path('run/abswitch/contact.switch');
    wait_for 'a removed file to be written again', 3, sub { $_ = -e $site->path('run/abswitch/contact.switch') };
    is lands($site), '/contact/A/', 'nor by its loss';
    $site->log_is_clean;
};

subtest 'within two syncs' => sub {
    my $site = ABSwitch::Site->new(server => 'ABSwitchSync 1s')->start;
    $site->flip('B');
    my @took;
    for my $side (qw(A B A B)) {
        my $start = time;
        $site->write_switch($side);
        wait_for "$side", 5, sub { $_ = lands($site); $_ eq "/contact/$side/" };
        push @took, time - $start;
    }
    diag 'taken up after ' . join ', ', map { sprintf '%.2f s', $_ } @took;
    $site->log_is_clean;
};

subtest 'closing and opening' => sub {
    my $site = ABSwitch::Site->new->start;
    my $anna = $site->browser;
    $anna->type_in('/contact');
    $anna->follow;
    is $site->side('A')->{sessions}, 1, 'Anna is on A';
    my $now = int time;
    $site->flip("B gen=1 at=$now by=x closed=A");
    is $site->side('A')->{state}, 'closed', 'closed by hand';
    is $site->side('A')->{sessions}, 0, 'its sessions have ended';
    is_deeply record($site)->{closed}, ['A'], 'and the page says who is closed';
    is $anna->click('/contact/A/index.html')->location, '/contact/B/index.html', 'Anna is led to B';
    $site->flip('A=1 B=1');
    is $site->side('A')->{state}, 'open', 'weight opens it';
    $site->log_is_clean;
};

subtest 'a deadline' => sub {
    my $site = ABSwitch::Site->new(app => 'ABSwitchDrainTimeout 1h', sides => [qw(A B C)])->start;
    my $anna = $site->browser;
    $anna->type_in('/contact');
    $anna->follow;
    $site->flip('B');
    my $side = $site->side('A');
    is $side->{deadline}, $side->{draining_since} + 3600, 'is set by the flip';
    is $anna->click('/contact/A/')->header('X-Verdict'), 'pass', 'before it, A serves';
    $site->flip('B=1 C=1');
    is $site->side('A')->{deadline}, $side->{deadline}, 'a later change of something else does not move it';
    my $now = int time;
    my $since = $now - 3600 + 2;
    $site->flip("A=0 B=1 C=1 gen=3 at=$now by=test since=A:$since");
    wait_for 'the deadline', 6, sub { $_ = $site->side('A'); $_->{state} eq 'closed' };
    is $site->side('A')->{sessions}, 0, 'its sessions have ended';
    like $anna->click('/contact/A/index.html')->location, qr{\A/contact/[BC]/index.html\z}, 'Anna is led to an open one';
    is_deeply record($site)->{closed}, [], 'no record says so';
    wait_for 'a closed side to be drained', 5, sub { $_ = $site->side('A'); $_->{drain} eq 'drained' };
    $site->flip('A');
    is $site->side('A')->{state}, 'open', 'a flip opens it';
    $site->log_is_clean;
};

subtest 'a drain is proven, once' => sub {
    my $site = ABSwitch::Site->new(app => "ABSwitchLogout /logout\nABSwitchAutoClose on\n"
            . 'ABSwitchOnDrained /bin/sh -c "echo $ABSWITCH_APP $ABSWITCH_SIDE $ABSWITCH_GENERATION >> ${ROOT}/run/drained"');
    $site->write('run/drained', '', 0666);
    chmod 0777, $site->path('run');
    $site->start;
    my $anna = $site->browser;
    $anna->type_in('/contact');
    $anna->follow;
    $site->flip('B');
    my ($looks, @wrong) = watch(1, sub { grep { $_ ne 'draining' } $site->side('A')->{drain} });
    is_deeply \@wrong, [], 'it is not drained while Anna is there';
    $anna->click('/contact/A/logout');
    is $site->side('A')->{sessions}, 0, 'she logs out';
    wait_for 'it to be closed by AutoClose', 5, sub { $_ = $site->side('A'); $_->{state} eq 'closed' };
    is record($site)->{by}, 'auto', 'by auto';
    is_deeply record($site)->{closed}, ['A'], 'and listed';
    wait_for('the command', 5, sub { $_ = slurp($site->path('run/drained')); m{\n} });
    wait_for 'the closed side to be drained, too', 5, sub { $_ = $site->side('A'); $_->{drain} eq 'drained' };
    $site->restart;
    watch(1, sub { () });
    is slurp($site->path('run/drained')), "contact A 1\n", 'the command ran once, and knows what for';
    $site->log_is_clean;
};

subtest 'a command is on its own' => sub {
    my $site = ABSwitch::Site->new(app => 'ABSwitchOnDrained /bin/cp /proc/self/status ${ROOT}/run/status');
    my $file = $site->write('run/status', '', 0666);
    $site->start;
    $site->flip('B');
    wait_for 'it', 5, sub { $_ = slurp($file); /^SigIgn:\t\w+$/m };
    my %status = slurp($file) =~ /^(\w+):\t(.*)$/mg;
    # Signals 32 and 33 are libc's own; who was started by its posix_spawn() may ignore them, and cannot change that.
    is hex($status{$_}) & ~(3 << 31), 0, "$_: no signal" for qw(SigBlk SigIgn);
    is $status{NSsid}, $status{Pid}, 'it leads a session: what ends httpd does not end it';
    $site->log_is_clean;
};

subtest 'a command that fails' => sub {
    my $site = ABSwitch::Site->new(app => 'ABSwitchOnDrained /bin/false')->start;
    $site->flip('B');
    wait_for('its failure in the log', 5, sub { $_ = $site->log_text; m{ABSwitchOnDrained "/bin/false" failed \(exit status 1\)} });
    watch(1, sub { () });
    is scalar(() = $site->log_text =~ /failed \(exit/g), 1, 'is logged once and not tried again';
    $site->expect_log(qr/ABSwitchOnDrained/);
    $site->log_is_clean;
};

subtest 'it outlives httpd' => sub {
    my $site = ABSwitch::Site->new->start;
    $site->flip('B');
    my $at = record($site)->{at};
    for my $how (qw(graceful restart kill stop)) {
        $how eq 'kill' ? $site->kill_all : $how eq 'stop' ? $site->stop : $site->$how;
        $site->start if !$site->pid || $how =~ /kill|stop/;
        is_deeply [@{ record($site) }{qw(generation at)}], [1, $at], "the switch outlives: $how";
        is lands($site), '/contact/B/', 'from the first request on';
    }
    $site->stop;
    $site->write('run/abswitch/contact.switch', "A\n");
    $site->start;
    is lands($site), '/contact/A/', 'a value written while httpd was down holds from the first request, too';
    $site->log_is_clean;
};

# A process that was killed may take one more connection before it is gone.
sub kill_and_see ($site, @pids) {
    my %pids = map { $_ => 1 } @pids;
    kill 'KILL', @pids;
    return poll(5, sub { !grep { $pids{$_} } $site->children }) || die "still there: @pids";
}

subtest 'another process takes over the sync' => sub {
    my $site = ABSwitch::Site->new(mpm => 'prefork')->start;
    for my $side (qw(B A B)) {
        my ($victim) = sort { $a <=> $b } $site->children;
        kill_and_see($site, $victim);
        $site->flip($side);
        is lands($site), "/contact/$side/", "a flip after a child was killed: $side";
    }
    kill_and_see($site, $site->children);
    $site->flip('A');
    is lands($site), '/contact/A/', 'after all of them were';
    $site->expect_log(qr/AH00052|exit signal Killed/);
    $site->log_is_clean;
};

subtest 'one directory, one httpd' => sub {
    my $site = ABSwitch::Site->new->start;
    my $dir = $site->path('run/abswitch');
    my $second = ABSwitch::Site->new(server => "ABSwitchStateDir $dir", name => 'second');
    my $why = $second->try_start;
    like $why, qr/\Q$dir\E/, 'a second one refuses to start and names the directory';
    is lands($site), '/contact/A/', 'the first one goes on';
    $second->expect_log(qr/./);
    $site->log_is_clean;
};

done_testing;
