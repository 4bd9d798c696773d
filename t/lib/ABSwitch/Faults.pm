# SPDX-License-Identifier: Apache-2.0
# What may break in a cluster that an ABSwitch::Crowd is at work on, by name: each can be broken and mended.
#
#     my $faults = ABSwitch::Faults->new(crowd => $crowd, stores => \@stores, rooms => \@rooms, clocks => \@clocks);
#     my @drawn = $faults->draw;          # one or two at random, which do not get in each other's way
#     $faults->break($_) for @drawn; ...; $faults->mend($_) for @drawn;
#
# stores  two ABSwitch::Memcached that are mirrors, with few connections and little room
# rooms   an ABSwitch::Network for each node, with the cables storea and storeb
# clocks  an ABSwitch::Clock for each, or none

package ABSwitch::Faults;
use v5.36;
use List::Util qw(shuffle);
use ABSwitch::Crowd;
use ABSwitch::Wait;

# Linux asks for a neighbour's address once a second: whoever was cut off finds nobody before.
use constant NEIGHBOUR => 1;

# Of each: how it is broken and mended, and how long nobody can notice that it is mended. on: what it takes,
# "store", "node" or "all"; two faults of a round take different things.
my %FAULT = (
    'memcached killed' => {
        on => 'store', wait => 0,
        break => sub ($f, $store) { $store->kill },
        mend => sub ($f, $store) { $store->start },
    },
    'memcached stopped' => {
        on => 'store', wait => 0,
        break => sub ($f, $store) { $store->pause },
        mend => sub ($f, $store) { $store->resume },
    },
    'everything killed' => {
        on => 'all', wait => 0,
        break => sub ($f, @) { $_->kill for $f->{stores}->@* },
        mend => sub ($f, @) { $_->start for $f->{stores}->@* },
    },
    'flush_all'            => { on => 'store', wait => 0, break => sub ($f, $store) { $store->flush } },
    'everything flushed'   => { on => 'all', wait => 0, break => sub ($f, @) { $_->flush for $f->{stores}->@* } },
    'key lost'             => { on => 'store', wait => 0, break => \&_lose_keys },
    'memcached full'       => { on => 'store', wait => 0, break => \&_fill, mend => \&_empty },
    'too many connections' => { on => 'store', wait => 0, break => \&_hog, mend => \&_unhog },
    'node killed' => {
        on => 'node', wait => 0,
        break => sub ($f, $i) { $f->site($i)->kill_all },
        mend => \&_start,
    },
    'node restarted' => {
        on => 'node', wait => 0,
        break => sub ($f, $i) { $f->site($i)->stop },
        mend => \&_start,
    },
    'graceful restart' => { on => 'node', wait => 0, break => sub ($f, $i) { $f->site($i)->graceful } },
    'child killed'     => { on => 'node', wait => 2, break => sub ($f, $i) { kill 'KILL', $f->site($i)->children } },
    # It may be stopped while it waits for an answer, which is then late.
    'node stopped' => { on => 'node', wait => 0, break => \&_stop, mend => \&_continue },
    'node cut off' => { on => 'node', wait => NEIGHBOUR, break => \&_cut, mend => \&_plug },
    'cut apart'    => { on => 'all', wait => NEIGHBOUR, break => \&_split, mend => \&_join },
    'clock' => {
        on => 'node', wait => 2,
        break => \&_set_clock,
        mend => sub ($f, $i) { $f->{clocks}[$i]->set(0) },
    },
);

sub new ($class, %o) { return bless { %o, n => 0, ahead_until => 0 }, $class }

sub site ($self, $i) { return $self->{crowd}->cluster->node($i) }

sub draw ($self) {
    my @names = shuffle grep { $_ ne 'clock' || $self->{clocks}->@* } sort keys %FAULT;
    my %thing = (
        store => $self->{stores}[ rand $self->{stores}->@* ],
        node => int rand $self->{rooms}->@*,
    );
    my $on = $FAULT{ $names[0] }{on};
    if ($on ne 'all' && rand() < 0.4) {
        my $other = $on eq 'store' ? 'node' : 'store';
        @names = ($names[0], grep { $FAULT{$_}{on} eq $other } @names);
        $#names = 1;
    }
    else {
        $#names = 0;
    }
    return map { { name => $_, thing => $thing{ $FAULT{$_}{on} } } } @names;
}

sub name ($self, $drawn) { return $drawn->{name} }
sub wait ($self, $drawn) { return $FAULT{ $drawn->{name} }{wait} }    ## no critic (ProhibitBuiltinHomonyms)

sub break ($self, $drawn) {
    $FAULT{ $drawn->{name} }{break}->($self, $drawn->{thing});
    return;
}

sub mend ($self, $drawn) {
    my $mend = $FAULT{ $drawn->{name} }{mend};
    $mend->($self, $drawn->{thing}) if $mend;
    return;
}

# What was seen by a clock that is ahead is later than a logout by another, until that one has caught up: who logs out
# sooner counts until they go idle.
sub ahead_until ($self) { return $self->{ahead_until} }

# --- servers ----------------------------------------------------------------------------------------------

# A flip among the sides that nobody drains, on a server that takes it.
sub flip ($self, @stores) {
    my $value = ('B', 'C', 'A=0 B=1 C=1', 'A=0 B=3 C=1')[ rand 4 ];
    my $key = $self->{crowd}->cluster->key('switch');
    for my $store (@stores ? @stores : shuffle $self->{stores}->@*) {
        return if eval { $store->set($key, $value) };
    }
    return;
}

sub _lose_keys ($self, $store) {
    my @keys = shuffle $store->keys(qr/\Aabswitch/);
    $store->delete($_) for grep { defined } @keys[0 .. int rand 3];
    return;
}

sub _fill ($self, $store) {
    for my $size (10, 1500, 3500, 7000) {
        1 while $store->set('fill:' . ++$self->{n}, 'x' x $size) && $self->{n} % 20_000;
    }
    return;
}

sub _empty ($self, $store) {
    $store->delete($_) for $store->keys(qr/\Afill:/);
    return;
}

# Children lose their connections, and those who take over may find the places taken.
sub _hog ($self, $store) {
    $store->hang_up;
    my @hogs;
    kill 'KILL', map { $_->children } grep { $_->{pid} } $self->{crowd}{cluster}->nodes;
    watch(0.3, sub {
        while (@hogs < 100) {
            push @hogs, $store->hog // last;
        }
        return;
    });
    $self->{hogs} = \@hogs;
    return;
}

sub _unhog ($self, $store) {
    delete $self->{hogs};
    return;
}

# --- nodes ------------------------------------------------------------------------------------------------

use constant APART => 10;

sub _set_clock ($self, $i) {
    my $seconds = rand() < 0.5 ? APART : -APART;
    $self->{clocks}[$i]->set($seconds);
    $self->{ahead_until} = time + 3 * APART if $seconds > 0;    # a round lasts some seconds
    return;
}

sub _start ($self, $i) { return $self->site($i)->start }

# Nobody is sent to it meanwhile.
sub _stop ($self, $i) {
    $self->{stopped} = delete $self->site($i)->{pid};
    kill 'STOP', -$self->{stopped};
    return;
}

sub _continue ($self, $i) {
    kill 'CONT', -$self->{stopped};
    $self->site($i)->{pid} = delete $self->{stopped};
    return;
}

# It does not hear of the flip.
sub _cut ($self, $i) {
    $self->{rooms}[$i]->pull($_) for qw(storea storeb);
    return $self->flip;
}

sub _plug ($self, $i) {
    $self->{rooms}[$i]->plug($_) for qw(storea storeb);
    return;
}

# Each half of the nodes has a mirror for itself, and is flipped there.
sub _split ($self, @) {
    my @halves = ([], []);
    push $halves[$_ % 2]->@*, $self->{rooms}[$_] for 0 .. $self->{rooms}->$#*;
    $_->pull('storeb') for $halves[0]->@*;
    $_->pull('storea') for $halves[1]->@*;
    $self->{crowd}->live(1);
    $self->flip($_) for $self->{stores}->@*;
    return;
}

sub _join ($self, @) {
    $self->_plug($_) for 0 .. $self->{rooms}->$#*;
    return;
}

1;
