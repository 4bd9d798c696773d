# SPDX-License-Identifier: Apache-2.0
# A server that answers what a test wants, HTTP or not. A process of its own, ended by pid.
#
#     my $server = ABSwitch::FakeServer->new(sub ($request) { return "HTTP/1.1 404 Not Found\r\n\r\n" });
#     $server->url('/abswitch-manager');
#
# The block gets a request as it came, with its body, and returns the bytes of the answer; the connection is closed
# behind them. A reference to a list is sent piece by piece, undef is never answered.

package ABSwitch::FakeServer;
use v5.36;
use Carp qw(croak);
use IO::Socket::INET;
use POSIX ();
use Scalar::Util qw(refaddr weaken);
use Time::HiRes qw(sleep);

my %alive;

sub new ($class, $answer) {
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 20) or croak "listen: $!";
    my $self = bless { port => $listener->sockport, owner => $$ }, $class;
    $self->{pid} = fork // croak "fork: $!";
    if (!$self->{pid}) {
        POSIX::setpgid(0, 0);
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
        $SIG{PIPE} = $SIG{CHLD} = 'IGNORE';
        my $parent = getppid;
        _serve($listener, $answer, $parent);
        POSIX::_exit(0);
    }
    POSIX::setpgid($self->{pid}, $self->{pid});
    weaken($alive{ refaddr $self } = $self);
    return $self;
}

sub port ($self)            { return $self->{port} }
sub url ($self, $path = '') { return "http://127.0.0.1:$self->{port}$path" }

# What an answer with this body looks like.
sub http ($body, $type = 'application/json', $status = '200 OK', @headers) {
    my $head = join "\r\n", "HTTP/1.1 $status", "Content-Type: $type", 'Content-Length: ' . length $body, @headers;
    return "$head\r\nConnection: close\r\n\r\n$body";
}

sub _serve ($listener, $answer, $parent) {
    while (getppid == $parent) {
        my $bits = '';
        vec($bits, fileno $listener, 1) = 1;
        next if select($bits, undef, undef, 0.2) <= 0;
        my $socket = $listener->accept or next;
        next if fork;
        _answer($socket, $answer);
        POSIX::_exit(0);
    }
    return;
}

sub _is_whole ($request) {
    my ($head, $body) = $request =~ /\A(.*?\r\n)\r\n(.*)\z/s or return 0;
    return length $body >= ($head =~ /^Content-Length: (\d+)/mi ? $1 : 0);
}

sub _answer ($socket, $answer) {
    my $request = '';
    until (_is_whole($request)) {
        sysread $socket, $request, 65536, length $request or last;
    }
    my $bytes = $answer->($request);
    sleep 600 if !defined $bytes;
    for my $piece (ref $bytes ? @$bytes : $bytes) {
        syswrite $socket, $piece or last;
        sleep 0.1 if ref $bytes && length $piece < 100;
    }
    return;
}

sub DESTROY ($self) {
    return if $self->{owner} != $$ || !delete $alive{ refaddr $self };
    local ($@, $?);
    kill 'KILL', -$self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

END { $_ && $_->DESTROY for values %alive }
$SIG{$_} //= sub { exit 130 } for qw(INT TERM HUP);

1;
