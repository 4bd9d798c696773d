# SPDX-License-Identifier: Apache-2.0
# A network of the test's own, where it may pull cables.
#
#     ABSwitch::Network->enter;                            # before anything else: starts the test again, in there
#     plan skip_all => ABSwitch::Network->why_not if ABSwitch::Network->why_not;
#     my $room = ABSwitch::Network->new('web', 'store');   # a namespace with two cables to ours
#     ...->new($room->wrap, host => $room->here('web'), ...'memcache:' . $room->there('store'));
#     $room->pull('store'); $room->plug('store');

package ABSwitch::Network;
use v5.36;
use Scalar::Util qw(refaddr weaken);
use ABSwitch::Host qw(run which);

my $OWN = 'ABSWITCH_OWN_NETWORK';
my %alive;
my $rooms = 0;

sub enter ($class) {
    return if $ENV{$OWN};
    my ($ip, $unshare) = map { which($_) } qw(ip unshare);
    my $why = !$ip ? 'there is no ip (package iproute2)' : !$unshare ? 'there is no unshare' : undef;
    if (!$why) {
        my ($exit, $said) = run($unshare, '--net', 'sh', '-c',
            "$ip link set lo up && $ip link add test0 type veth peer name test1 && "
            . "$ip netns add abswitch-$$ && $ip netns del abswitch-$$");
        $why = 'no network namespace can be made: ' . $said =~ s/\s+/ /gr if $exit;
    }
    $ENV{$OWN} = $why // 1;
    return if $why;
    exec $unshare, '--net', 'sh', '-c', "$ip link set lo up && exec \"\$@\"",
        'sh', $^X, (map { "-I$_" } grep { !ref } @INC), $0;
}

# Why there is none; '' if there is.
sub why_not ($class) { return ($ENV{$OWN} // 'nobody has entered it') eq '1' ? '' : $ENV{$OWN} }

# A namespace with cables of those names to ours, each a network of its own.
sub new ($class, @cables) {
    my $number = ++$rooms;
    my $self = bless { number => $number, name => "abswitch-$$-$number", cables => {}, owner => $$ }, $class;
    _ip('netns', 'add', $self->{name});
    weaken($alive{ refaddr $self } = $self);
    _ip('-n', $self->{name}, 'link', 'set', 'lo', 'up');
    for my $i (0 .. $#cables) {
        my ($cable, $net) = ($cables[$i], '10.' . (90 + $i) . ".$number");
        $self->{cables}{$cable} = $net;
        _ip('link', 'add', "$cable$number", 'type', 'veth', 'peer', 'name', $cable, 'netns', $self->{name});
        _ip('addr', 'add', "$net.1/24", 'dev', "$cable$number");
        _ip('-n', $self->{name}, 'addr', 'add', "$net.2/24", 'dev', $cable);
        _ip('link', 'set', "$cable$number", 'up');
        _ip('-n', $self->{name}, 'link', 'set', $cable, 'up');
    }
    return $self;
}

# The command that runs another one inside.
sub inside ($self) { return (which('ip'), 'netns', 'exec', $self->{name}) }

# Addresses of a cable's ends: inside, and ours.
sub here ($self, $cable)  { return "$self->{cables}{$cable}.2" }
sub there ($self, $cable) { return "$self->{cables}{$cable}.1" }

sub pull ($self, $cable) { return _ip('link', 'set', "$cable$self->{number}", 'down') }
sub plug ($self, $cable) { return _ip('link', 'set', "$cable$self->{number}", 'up') }

sub _ip (@args) {
    my ($exit, $said) = run(which('ip'), @args);
    die "ip @args: $said" if $exit;
    return;
}

sub DESTROY ($self) {
    return if $self->{owner} != $$ || !delete $alive{ refaddr $self };
    local ($@, $?);
    run(which('ip'), 'netns', 'delete', $self->{name});
    return;
}

END { $_ && $_->DESTROY for values %alive }

1;
