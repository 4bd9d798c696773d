# SPDX-License-Identifier: Apache-2.0
# One TCP connection to a server, for keep-alive, pipelining, half requests and whatever else no HTTP library
# would send. Nothing here dies: what goes wrong is in the response (status 0).
#
#     my $c = ABSwitch::Connection->new(port => $port);
#     $c->send("GET /contact/A/ HTTP/1.1\r\nHo");
#     $c->send("st: x\r\n\r\n");
#     my $r = $c->response;

package ABSwitch::Connection;
use v5.36;
use Errno qw(EAGAIN EINTR);
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(time);
use ABSwitch::Response;

# port, host (127.0.0.1), deadline: seconds that sending, and then one response, may take (30)
sub new ($class, %o) {
    my $self = bless { host => '127.0.0.1', deadline => 30, in => '', %o }, $class;
    $self->{socket} = IO::Socket::INET->new(
        PeerAddr => $self->{host}, PeerPort => $self->{port}, Timeout => $self->{deadline});
    $self->{refused} = "no connection to $self->{host}:$self->{port}: $@" if !$self->{socket};
    $self->{socket}->blocking(0) if $self->{socket};
    return $self;
}

sub socket ($self) { return $self->{socket} }

sub close ($self) {    ## no critic (ProhibitBuiltinHomonyms)
    close delete $self->{socket} if $self->{socket};
    return;
}

# Sends all of it unless the other side closes first; returns how much was sent.
sub send ($self, $bytes) {    ## no critic (ProhibitBuiltinHomonyms)
    local $SIG{PIPE} = 'IGNORE';
    my ($sent, $end) = (0, time + $self->{deadline});
    while ($self->{socket} && $sent < length $bytes && time < $end) {
        next if !IO::Select->new($self->{socket})->can_write($end - time);
        my $n = syswrite $self->{socket}, $bytes, 65536, $sent;
        last if !defined $n && $! != EAGAIN && $! != EINTR;
        $sent += $n // 0;
    }
    return $sent;
}

# The next response; the method it answers decides whether it has a body. 1xx are passed over, 101 is not.
sub response ($self, $method = 'GET') {
    return ABSwitch::Response->new(reason => $self->{refused}) if $self->{refused};
    $self->{end} = time + $self->{deadline};
    $self->{raw} = '';
    my %response;
    my $complete = eval {
        do { %response = $self->_head } while $response{status} =~ /\A1/ && $response{status} != 101;
        $response{body} = $self->_body($method, \%response);
        1;
    };
    return ABSwitch::Response->new(%response, raw => $self->{raw}) if $complete;
    return ABSwitch::Response->new(
        %response, status => 0, reason => $@ =~ s/\n\z//r, raw => $self->{raw} . $self->{in});
}

# The next n bytes, after an answer that was no more HTTP: a WebSocket's. undef if they do not come.
sub bytes ($self, $n) {
    $self->{end} = time + $self->{deadline};
    return eval { $self->_exactly($n, 'bytes') };
}

# True when the other side has closed, waiting for it that many seconds.
sub is_closed ($self, $seconds = $self->{deadline}) {
    $self->{end} = time + $seconds;
    my $n = eval { $self->_fill };
    return defined $n && $n == 0;
}

# Whatever else comes until the other side closes.
sub rest ($self) {
    $self->{end} = time + $self->{deadline};
    eval { 1 while $self->_fill };
    return $self->_take(length $self->{in});
}

# Everything below throws a sentence when the answer is not what it should be.

sub _fill ($self) {
    die "the connection is closed\n" if !$self->{socket};
    my $select = IO::Select->new($self->{socket});
    while (1) {
        my $left = $self->{end} - time;
        die "no complete answer within the deadline\n" if $left <= 0 || !$select->can_read($left);
        my $n = sysread $self->{socket}, $self->{in}, 65536, length $self->{in};
        return $n if defined $n;
        die "the connection broke: $!\n" if $! != EAGAIN && $! != EINTR;
    }
}

sub _more ($self, $what) {
    $self->_fill or die "the connection was closed " . (length $self->{in} ? "within" : "before") . " $what\n";
    return;
}

sub _take ($self, $n) {
    my $bytes = substr $self->{in}, 0, $n, '';
    $self->{raw} .= $bytes;
    return $bytes;
}

sub _exactly ($self, $n, $what) {
    $self->_more($what) while length $self->{in} < $n;
    return $self->_take($n);
}

sub _until ($self, $mark, $what) {
    my $at;
    $self->_more($what) while ($at = index $self->{in}, $mark) < 0;
    return substr $self->_take($at + length $mark), 0, $at;
}

sub _head ($self) {
    my ($first, @lines) = split /\r\n/, $self->_until("\r\n\r\n", 'the head of an answer');
    my %head;
    @head{qw(version status reason)} = $first =~ m{\AHTTP/(\d\.\d) (\d{3}) ?(.*)\z}s
        or die "not an HTTP answer: $first\n";
    $head{headers} = [map { /\A([^\s:]+):[ \t]*(.*?)[ \t]*\z/s ? [$1, $2] : die "not a header: $_\n" } @lines];
    return %head;
}

sub _body ($self, $method, $head) {
    return '' if $method eq 'HEAD' || $head->{status} =~ /\A(?:101|204|304)\z/;
    my $response = ABSwitch::Response->new(%$head);
    return $self->_chunks if ($response->header('Transfer-Encoding') // '') =~ /\bchunked\z/i;
    my $length = $response->header('Content-Length');
    return $self->_exactly($length, 'the body') if defined $length;
    1 while $self->_fill;
    return $self->_take(length $self->{in});
}

sub _chunks ($self) {
    my $body = '';
    while (1) {
        my $line = $self->_until("\r\n", 'a chunk');
        my ($size) = $line =~ /\A([0-9a-f]+)(?:;|\z)/i or die "not the size of a chunk: $line\n";
        last if hex $size == 0;
        $body .= $self->_exactly(hex $size, 'a chunk');
        $self->_exactly(2, 'a chunk') eq "\r\n" or die "a chunk without its end\n";
    }
    1 while $self->_until("\r\n", 'the trailer') ne '';
    return $body;
}

1;
