# SPDX-License-Identifier: Apache-2.0
# What stands between a node and its memcached, and does what networks and broken servers do. A process of its own,
# ended by pid.
#
#     my $proxy = ABSwitch::StoreProxy->new(store => $store);
#     my $cluster = ABSwitch::Cluster->new(store_at => $proxy->directive);
#     $proxy->mode('cut');
#
# Modes:
#     pass      hands everything on
#     cut       takes connections and bytes and answers nothing; what was sent meanwhile is lost
#     refuse    closes every connection at once
#     slow      one byte of an answer a second
#     error     answers everything with SERVER_ERROR
#     half      the first half of an answer, then the end of the connection
#     other     values come under the name of another key
#     garbage   bytes that are no answer

package ABSwitch::StoreProxy;
use v5.36;
use Carp qw(croak);
use IO::Select;
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Scalar::Util qw(refaddr weaken);
use Time::HiRes qw(time);
use ABSwitch::Host qw(slurp spew);
use ABSwitch::TempDir;
use ABSwitch::Wait qw(poll);

my %alive;

# store: an ABSwitch::Memcached that listens on a port
sub new ($class, %o) {
    my $self = bless { %o, owner => $$ }, $class;
    $self->{dir} = temp_dir('proxy');
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 100) or croak "listen: $!";
    $self->{port} = $listener->sockport;
    spew("$self->{dir}/seen", '');
    $self->mode('pass');
    $self->{pid} = fork // croak "fork: $!";
    if (!$self->{pid}) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
        $SIG{PIPE} = 'IGNORE';
        eval { $self->_serve($listener); 1 } or print STDERR "proxy: $@";
        POSIX::_exit(0);
    }
    weaken($alive{ refaddr $self } = $self);
    return $self;
}

sub address ($self)   { return "127.0.0.1:$self->{port}" }
sub directive ($self) { return 'memcache:' . $self->address }

# In force for the next bytes when this returns.
sub mode ($self, $mode) {
    spew("$self->{dir}/mode", $mode);
    poll(10, sub { slurp("$self->{dir}/seen") eq $mode }) || croak "the proxy does not take up $mode" if $self->{pid};
    return $self;
}

# Ends by itself when the test is gone.
sub _serve ($self, $listener) {
    my $select = IO::Select->new($listener);
    my (%peer, %is_node, %held);
    my $parent = getppid;
    my ($next_byte, $seen) = (0, '');
    while (getppid == $parent) {
        my $mode = slurp("$self->{dir}/mode");
        spew("$self->{dir}/seen", $seen = $mode) if $mode ne $seen;
        if ($mode eq 'slow' && time >= $next_byte) {
            $next_byte = time + 1;
            for my $node (grep { length($held{$_} // '') } keys %held) {
                my ($to) = grep { "$_" eq $node } $select->handles;
                syswrite $to, substr $held{$node}, 0, 1, '' if $to;
            }
        }
        for my $from ($select->can_read(0.05)) {
            if ($from == $listener) {
                my $node = $listener->accept or next;
                my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{store}->port);
                next if $mode eq 'refuse' || !$server;
                @peer{ $node, $server } = ($server, $node);
                $is_node{$node} = 1;
                $select->add($node, $server);
                next;
            }
            my $to = $peer{$from} // next;
            my $n = sysread $from, my $bytes, 65536;
            my $end = !$n || $mode eq 'refuse';
            if ($n && $is_node{$from}) {
                syswrite $from, "SERVER_ERROR out of memory storing object\r\n" if $mode eq 'error';
                syswrite $from, "\x80\0rubbish\r\n" x 3 if $mode eq 'garbage';
                syswrite $to, $bytes if $mode !~ /\A(?:cut|error|garbage)\z/;
            }
            elsif ($n) {
                $bytes =~ s/^VALUE \Kabswitch:(\w+):(\w+)/abswitch:$1:x$2/mg if $mode eq 'other';
                $end = 1, $bytes = substr $bytes, 0, $n / 2 if $mode eq 'half';
                $mode eq 'slow' ? $held{$to} .= $bytes : $mode eq 'cut' ? 0 : syswrite $to, $bytes;
            }
            if ($end) {
                delete @peer{ $from, $to };
                delete @held{ $from, $to };
                delete @is_node{ $from, $to };
                $select->remove($from, $to);
                close $_ for $from, $to;
            }
        }
    }
    return;
}

sub DESTROY ($self) {
    return if $self->{owner} != $$ || !delete $alive{ refaddr $self };
    local ($@, $?);
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

END { $_ && $_->DESTROY for values %alive }
$SIG{$_} //= sub { exit 130 } for qw(INT TERM HUP);

1;
