# SPDX-License-Identifier: Apache-2.0
# A real memcached for a test, and any client's look into it: on a free port or a UNIX socket, stopped by pid
# whatever becomes of the test.
#
#     my $store = ABSwitch::Memcached->new->start;                    # or socket => 1
#     my $site = ABSwitch::Site->new(server => 'ABSwitchStore ' . $store->directive . "\n...");
#     $store->set('abswitch:contact:switch', 'B');
#     is $store->get('abswitch:contact:count:A'), 3;
#     $store->kill; $store->start;                                    # the same address, empty
#     $store->pause; $store->resume;                                  # hangs; goes on
#
# Commands die of what no answer may be: none within the deadline, or one that is not memcached's.

package ABSwitch::Memcached;
use v5.36;
use Carp qw(croak);
use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;
use POSIX qw(WNOHANG);
use Scalar::Util qw(refaddr weaken);
use Test::More ();
use Time::HiRes qw(sleep time);
use ABSwitch::Host qw(free_port slurp which);
use ABSwitch::HttpdConf;
use ABSwitch::TempDir;
use ABSwitch::Wait qw(poll);

my %alive;

# Whether this machine has one.
sub is_here ($class) { return defined which('memcached') }

# socket       1: a UNIX socket in place of a port
# host, port   127.0.0.1 (or ::1) and a free one
# listen       host, if it is to listen on more than that
# args         more of memcached's: ['-M', '-m', 1]
# deadline     seconds for a start, stop or command (30)
sub new ($class, %o) {
    my $self = bless { host => '127.0.0.1', args => [], deadline => 30, %o, owner => $$ }, $class;
    $self->{dir} = temp_dir('memcached');
    chmod 0777, $self->{dir};    # memcached makes its socket as another user
    $self->{port} //= free_port() if !$self->{socket};
    weaken($alive{ refaddr $self } = $self);
    return $self;
}

sub pid ($self)       { return $self->{pid} }
sub port ($self)      { return $self->{port} }
sub address ($self)   { return $self->{socket} ? "$self->{dir}/socket" : $self->{host} =~ s/(.*:.*)/[$1]/r . ":$self->{port}" }
sub directive ($self) { return 'memcache:' . $self->address }

# --- life -----------------------------------------------------------------------------------------------

# Returns when it answers, it and nobody else. A port that somebody took is replaced as long as the test cannot know it.
sub start ($self) {
    croak 'memcached runs already' if $self->{pid};
    for my $attempt (1 .. 5) {
        $self->_spawn;
        my $answers = sub { eval { $self->stats('pid') == $self->{pid} } };
        if (poll($self->{deadline}, sub { !$self->is_running || $answers->() }) && $self->{pid}) {
            $self->{started} = 1;
            return $self;
        }
        $self->kill;
        $self->{started} || $self->{socket} ? sleep 0.5 : ($self->{port} = free_port());
    }
    croak "memcached did not start on ${\ $self->address}: ", slurp("$self->{dir}/log");
}

sub _spawn ($self) {
    my $user = ABSwitch::HttpdConf::user();
    my @command = (which('memcached') // croak('there is no memcached'), '-U', 0, '-t', 2,
        ($user ? ('-u', $user) : ()),
        ($self->{socket} ? ('-s', $self->address, '-a', '0777')
            : ('-l', $self->{listen} // $self->{host}, '-p', $self->{port})),
        $self->{args}->@*);
    unlink $self->address if $self->{socket};
    $self->{pid} = fork // croak "fork: $!";
    if (!$self->{pid}) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$self->{dir}/log";
        open STDERR, '>&', \*STDOUT;
        { no warnings 'exec'; exec { $command[0] } @command; }
        POSIX::_exit(127);
    }
    return;
}

sub is_running ($self) {
    return 0 if !$self->{pid};
    local $?;
    return 1 if waitpid($self->{pid}, WNOHANG) == 0;
    delete $self->{pid};
    return 0;
}

# TERM; KILL at the deadline.
sub stop ($self) {
    return $self->_end('TERM');
}

# SIGKILL: everything it held is gone.
sub kill ($self) {    ## no critic (ProhibitBuiltinHomonyms)
    return $self->_end('KILL');
}

sub _end ($self, $signal) {
    $self->hang_up;
    return $self if !$self->is_running;
    $self->resume if $self->{paused};
    CORE::kill $signal, $self->{pid};
    if (!poll($self->{deadline}, sub { !$self->is_running })) {
        CORE::kill 'KILL', $self->{pid};
        poll($self->{deadline}, sub { !$self->is_running });
    }
    return $self;
}

# It hangs: connections are made by the kernel, and nothing is answered.
sub pause ($self) {
    $self->{paused} = CORE::kill 'STOP', $self->{pid};
    poll($self->{deadline}, sub { slurp("/proc/$self->{pid}/stat") =~ /\A\d+ \(.*\) T / });
    return $self;
}

sub resume ($self) {
    delete $self->{paused};
    CORE::kill 'CONT', $self->{pid};
    return $self;
}

# --- commands -------------------------------------------------------------------------------------------

# The value; undef if there is none. In list context also its CAS token.
sub get ($self, $key) {
    my ($value, $cas);
    $self->_say("gets $key\r\n");
    while ((my $line = $self->_line) ne 'END') {
        my ($length, $token) = $line =~ /\AVALUE \S+ \d+ (\d+) (\d+)\z/ or croak "gets $key: $line";
        ($value, $cas) = (substr($self->_bytes($length + 2), 0, $length), $token);
    }
    return wantarray ? ($value, $cas) : $value;
}

# 1, or 0 when memcached refuses. ttl in seconds, 0: for ever.
sub set ($self, $key, $value, $ttl = 0) {
    return $self->_write("set $key 0 $ttl", $value);
}

sub add ($self, $key, $value, $ttl = 0) {
    return $self->_write("add $key 0 $ttl", $value);
}

sub cas ($self, $key, $value, $token, $ttl = 0) {
    return $self->_write("cas $key 0 $ttl", $value, " $token");
}

sub delete ($self, $key) {    ## no critic (ProhibitBuiltinHomonyms)
    return $self->raw("delete $key\r\n") eq 'DELETED';
}

sub flush ($self) {
    return $self->raw("flush_all\r\n") eq 'OK';
}

# All keys, sorted; with a pattern those that match. Of each: ttl in seconds (undef: for ever), size in bytes.
sub keys ($self, $pattern = qr//) {    ## no critic (ProhibitBuiltinHomonyms)
    my %item = $self->items;
    return grep { $_ =~ $pattern } sort { $a cmp $b } CORE::keys %item;
}

sub items ($self) {
    for (1 .. 200) {
        $self->_say("lru_crawler metadump hash\r\n");
        my $line = $self->_line;
        sleep(0.05), next if $line =~ /\ABUSY/;
        my %item;
        while ($line ne 'END') {
            my ($key, $exp, $size) = $line =~ /\Akey=(\S+) exp=(-?\d+) .* size=(\d+)/ or croak "metadump: $line";
            $item{ $key =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger }
                = { ttl => $exp < 0 ? undef : $exp - time, size => $size } if $exp < 0 || $exp > time;
            $line = $self->_line;
        }
        return %item;
    }
    croak 'metadump stays busy';
}

# name => number, of `stats`; or one of them.
sub stats ($self, $name = undef) {
    $self->_say("stats\r\n");
    my %stat;
    while ((my $line = $self->_line) ne 'END') {
        my ($key, $value) = $line =~ /\ASTAT (\S+) (.*)\z/ or croak "stats: $line";
        $stat{$key} = $value;
    }
    return defined $name ? $stat{$name} : \%stat;
}

# Sends these bytes; returns the first line of the answer.
sub raw ($self, $bytes) {
    $self->_say($bytes);
    return $self->_line;
}

# Ends this object's own connection, which otherwise stays.
sub hang_up ($self) {
    close CORE::delete $self->{connection} if $self->{connection};
    $self->{in} = '';
    return;
}

# A connection that does nothing, for taking away those that there are; undef if it was refused.
sub hog ($self) {
    my $socket = $self->_connect or return;
    syswrite $socket, "version\r\n";
    my $answer = '';
    sysread $socket, $answer, 100 if IO::Select->new($socket)->can_read(5);
    return $answer =~ /\AVERSION/ ? $socket : undef;
}

# --- inside ---------------------------------------------------------------------------------------------

sub _write ($self, $command, $value, $more = '') {
    my $answer = $self->raw("$command ${\ length $value}$more\r\n$value\r\n");
    return 1 if $answer eq 'STORED';
    return 0 if $answer =~ /\A(?:NOT_STORED|EXISTS|NOT_FOUND|SERVER_ERROR .*)\z/;
    croak "$command: $answer";
}

sub _connect ($self) {
    return $self->{socket}
        ? IO::Socket::UNIX->new(Peer => $self->address)
        : IO::Socket::IP->new(PeerAddr => $self->{host}, PeerPort => $self->{port}, Timeout => $self->{deadline});
}

sub _say ($self, $bytes) {
    local $SIG{PIPE} = 'IGNORE';
    $self->{until} = time + $self->{deadline};
    if (!$self->{connection}) {
        $self->{in} = '';
        $self->{connection} = $self->_connect // croak "no connection to memcached at ${\ $self->address}: $!";
    }
    while (length $bytes) {
        my $n = syswrite $self->{connection}, $bytes;
        $self->_broken("$!") if !$n;
        substr $bytes, 0, $n, '';
    }
    return;
}

# metadump ends its lines with a bare newline.
sub _line ($self) {
    my $at;
    $self->_fill while ($at = index $self->{in}, "\n") < 0;
    return substr($self->{in}, 0, $at + 1, '') =~ s/\r?\n\z//r;
}

sub _bytes ($self, $n) {
    $self->_fill while length $self->{in} < $n;
    return substr $self->{in}, 0, $n, '';
}

sub _fill ($self) {
    my $left = $self->{until} - time;
    $self->_broken('no answer') if $left <= 0 || !IO::Select->new($self->{connection})->can_read($left);
    sysread $self->{connection}, $self->{in}, 65536, length $self->{in} or $self->_broken('closed');
    return;
}

sub _broken ($self, $why) {
    $self->hang_up;
    croak "memcached at ${\ $self->address}: $why";
}

sub DESTROY ($self) {
    return if $self->{owner} != $$ || !CORE::delete $alive{ refaddr $self };
    local ($@, $?);
    $self->stop;
    return;
}

END { $_ && $_->DESTROY for values %alive }
$SIG{$_} //= sub { exit 130 } for qw(INT TERM HUP);

1;
