# SPDX-License-Identifier: Apache-2.0
# People at work on a side that drains, behind a balancer without affinity, while the cluster below them breaks and is
# mended; and what they, and whoever reads the status, must never meet.
#
#     my $crowd = ABSwitch::Crowd->new(store => $store, sync => '200ms');
#     $store->kill;
#     $crowd->unknown('killed', qr/store/);            # a test point: every node says so, with that reason
#     $store->start;
#     $crowd->mended('started');                       # a test point: every node counts right again
#     $crowd->ends_well;                               # test points: nobody was interrupted, never "drained"

package ABSwitch::Crowd;
use v5.36;
use Test::More ();
use Time::HiRes qw(sleep time);
use ABSwitch::Cluster;
use ABSwitch::Wait;

use constant {
    SYNC    => 0.2,     # ABSwitchSync in seconds
    USERS   => 8,
    SLACK   => 1,       # this machine is busy with the test itself
};
use constant WITHIN => 3 * SYNC + SLACK;    # all is right again so soon after it can be noticed

# What ABSwitch::Cluster takes. They are on side A, and new people land on B.
# slow    seconds: who waits longer for an answer is interrupted (10)
sub new ($class, %o) {
    my $slow = delete $o{slow} // 10;
    my $cluster = ABSwitch::Cluster->new(sync => SYNC * 1000 . 'ms', app => 'ABSwitchLogout /logout', %o)->start;
    my $self = bless {
        cluster => $cluster, store => $cluster->store, client => $cluster->balancer,
        tokens => [map { $cluster->token } 1 .. USERS], clicks => 0, interrupted => [], looks => 0, false => [],
        took => [], slow => $slow, start => time,
    }, $class;
    $self->everybody for 1 .. 3;
    $cluster->flip('B');
    $cluster->comes_to('users on a draining side', 5, 'A', sessions => USERS, drain => 'draining');
    return $self;
}

sub cluster ($self) { return $self->{cluster} }
sub store ($self)   { return $self->{store} }
sub sides ($self)   { return $self->{sides}->@* }    # what each node said of A when it was asked last

# One click of everybody, each on whichever node comes next.
sub everybody ($self) {
    for my $token ($self->{tokens}->@*) {
        my $start = time;
        my $r = $self->{cluster}->click($self->{client}, $token);
        my $took = time - $start;
        my $seen = $r->status . ' ' . ($r->header('X-Verdict') // $r->reason) . ' ' . ($r->header('X-Side') // '');
        my $where = sprintf ' at %s, %.1f s after the start', $self->{client}->node->name, $start - $self->{start};
        push $self->{interrupted}->@*, $seen . $where if $seen ne '200 pass A';
        push $self->{interrupted}->@*, sprintf('%.2f s', $took) . $where if $took > $self->{slow};
        $self->{clicks}++;
    }
    return;
}

# Everybody works on, and all nodes are asked, for some seconds; or until the block is true of what they say of A.
# Returns after how long that was, or undef.
sub live ($self, $seconds, $until = undef) {
    my ($start, $end) = (time, time + $seconds);
    while (time < $end) {
        $self->everybody;
        my @apps = map { $_->status } $self->{cluster}->running;
        my @sides = map { (grep { $_->{side} eq 'A' } $_->{sides}->@*)[0] } @apps;
        $self->{apps} = \@apps;
        $self->{sides} = \@sides;
        $self->{looks} += @sides;
        push $self->{false}->@*, map { time } grep { $_->{drain} eq 'drained' } @sides;
        return time - $start if $until && $until->(@sides);
        sleep 0.02;
    }
    return;
}

sub unknown ($self, $name, $reason, $seconds = 4) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $took = $self->live(ABSwitch::Wait::PATIENCE * $seconds, sub (@sides) {
        return !grep { $_->{drain} ne 'unknown' || $_->{reason} !~ $reason } @sides;
    });
    return Test::More::ok(defined $took, "$name: unknown, with its reason") || Test::More::diag($self->said);
}

# wait: seconds to allow beside WITHIN, on a machine that does nothing else. Right is what stays right for two syncs: what
# broke may not have been noticed yet. How soon that is is said (and what `make soak` judges).
sub mended ($self, $name, $wait = 5) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $limit = ABSwitch::Wait::PATIENCE * ($wait + WITHIN);
    my $took = $self->right_within($limit);
    push $self->{took}->@*, $took if defined $took;
    return Test::More::ok(defined $took, "$name: all counts are right again")
        || Test::More::diag("not within $limit s: ", $self->said);
}

# A test point: for so many seconds on end each node knows that A drains. One that is late for a sync on a busy machine
# is silent to the others, so there are some tries; what is wrong with the module is wrong at each.
sub knows_all_the_while ($self, $name, $seconds) {
    my @not;
    for (1 .. ABSwitch::Wait::PATIENCE) {
        @not = ();
        $self->live($seconds, sub (@sides) {
            push @not, map { "$_->{drain} ($_->{reason})" } grep { $_->{drain} ne 'draining' } @sides;
            return 0;
        });
        last if !@not;
    }
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::is_deeply(\@not, [], $name);
}

# After how many seconds all nodes had the right counts and one switch, and kept them; undef if that is not soon enough.
sub right_within ($self, $seconds) {
    my $start = time;
    my $right;
    $self->live($seconds + 2 * SYNC, sub (@sides) {
        my $wrong = grep { ($_->{sessions} // -1) != USERS || $_->{drain} ne 'draining' || !$_->{exact} } @sides;
        my %switch = map { join(' ', map { $_ // '' } $_->{switch}->@{qw(generation at by)}) => 1 } $self->{apps}->@*;
        $right = $wrong || keys %switch > 1 ? undef : $right // time;
        return $right && time > $right + 2 * SYNC;
    });
    return $right && $right - $start;
}

# Somebody logs out, and somebody else is there in their place.
sub somebody_leaves ($self) {
    my $i = int rand USERS;
    $self->{cluster}->click($self->{client}, $self->{tokens}[$i], '/contact/A/logout');
    $self->{tokens}[$i] = $self->{cluster}->token;
    $self->{clicks}++;
    return;
}

# What the nodes said when they were asked last.
sub said ($self) {
    return join '; ', map { ($_->{sessions} // 'null') . " $_->{drain} ($_->{reason})" } $self->sides;
}

# What every running node says of the store: up, degraded, down.
sub store_is ($self, $state) {
    my $cluster = $self->{cluster};
    return !grep { $cluster->node($_)->pid && $cluster->whole($_)->{store}{state} ne $state } 0 .. $cluster->nodes - 1;
}

sub was_not_disturbed ($self) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::is_deeply($self->{interrupted}, [], "no user was interrupted ($self->{clicks} clicks)");
    Test::More::is_deeply($self->{false}, [], "never drained ($self->{looks} looks)");
    my @took = map { sprintf '%.1f s', $_ } $self->{took}->@*;
    Test::More::diag('right again after ', join ', ', @took) if @took;
    return;
}

# Then everyone leaves, and the side is drained.
sub ends_well ($self) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $cluster = $self->{cluster};
    $self->was_not_disturbed;
    my @generations;
    poll(5, sub { @generations = $cluster->generations; !grep { $_ ne $generations[0] } @generations });
    Test::More::is_deeply(\@generations, [map { $generations[0] } @generations], 'one switch on all');
    $cluster->click($self->{client}, $_, '/contact/A/logout') for $self->{tokens}->@*;
    $cluster->comes_to('everyone logs out, and it is drained', 5, 'A', sessions => 0, drain => 'drained');
    Test::More::ok(!(grep { /exit signal (?!Killed)/ } map { $_->errors } $cluster->nodes), 'no child died');
    $cluster->expect_log(qr/\[abswitch:|exit signal Killed/);
    $cluster->logs_are_clean;
    return;
}

1;
