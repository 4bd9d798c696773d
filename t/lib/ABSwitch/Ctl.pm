# SPDX-License-Identifier: Apache-2.0
# abswitchctl as a process: run to its end, or watched while it runs, on pipes or on a terminal of its own.
#
#     my $ctl = ABSwitch::Ctl->new(url => $site->origin . '/abswitch-manager');
#     my $r = $ctl->run('flip', 'contact', 'B');       # $r->{exit}, $r->{out}, $r->{err}
#     ends $r, 0, out => qr/generation 1;/, 'a flip';  # a test point: the rest of the output is empty
#     my $p = $ctl->start('wait', 'contact', 'A');     # or ->terminal(...): stdin, out and err are one
#     $p->until(qr/1 session,/);                       # a test point: waited for in the output
#     $p->signal('INT');
#     $p->end;                                         # as run()

package ABSwitch::Ctl;
use v5.36;
use Carp qw(croak);
use Exporter qw(import);
use JSON::PP ();
use POSIX qw(WNOHANG);
use Scalar::Util qw(refaddr weaken);
use Test::More ();
use ABSwitch::Host qw(repo);
use ABSwitch::TempDir;
use ABSwitch::Wait qw(poll);

our @EXPORT = qw(ends);

my %alive;

# url (none: the tool's own), env (hash), deadline (20), wrap (a command to run the tool under), args (always given)
sub new ($class, %o) {
    return bless { env => {}, deadline => 20, wrap => [], args => [], %o }, $class;
}

# The same with other settings.
sub with ($self, %o) {
    return bless { %$self, %o }, ref $self;
}

sub run ($self, @args) {
    return $self->start(@args)->end;
}

sub start ($self, @args) {
    return $self->_process(0, @args);
}

sub terminal ($self, @args) {
    return $self->_process(1, @args);
}

# A test point: the exit status, and what was printed (a pattern or a string; nothing if it is not named).
sub ends ($r, $exit, @more) {
    my $name = pop @more;
    my %o = (out => '', err => '', @more);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @odd = $r->{exit} == $exit ? () : "exit status $r->{exit}, not $exit";
    for my $stream (qw(out err)) {
        my $fits = ref $o{$stream} ? $r->{$stream} =~ $o{$stream} : $r->{$stream} eq $o{$stream};
        push @odd, "$stream is not $o{$stream}" if !$fits;
    }
    return Test::More::ok(!@odd, $name)
        || Test::More::diag(join "\n", @odd, "out: $r->{out}", "err: $r->{err}");
}

sub _process ($self, $is_terminal, @args) {
    state $all = temp_dir('ctl');
    state $number = 0;
    my $dir = "$all/$$." . ++$number;
    mkdir $dir;
    my $p = bless { owner => $$, dir => $dir, deadline => $self->{deadline}, seen => '' }, 'ABSwitch::Ctl::Process';
    my ($pty, $slave);
    if ($is_terminal) {
        require IO::Pty;
        $pty = IO::Pty->new;
        $slave = $pty->slave;
        $slave->set_winsize(24, 100);
        $p->{pty} = $pty;
    }
    pipe my $started, my $until_exec or croak "pipe: $!";
    $p->{pid} = fork // croak "fork: $!";
    if (!$p->{pid}) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE);
        my %env = (TERM => 'xterm', LC_ALL => 'C.UTF-8', TZ => 'UTC', HOME => $dir, $self->{env}->%*);
        delete @ENV{qw(ABSWITCH_URL NO_COLOR http_proxy)};
        @ENV{ keys %env } = values %env;
        if ($pty) {
            $pty->make_slave_controlling_terminal;
            close $pty;
            open STDIN, '<&', $slave;
            open STDOUT, '>&', $slave;
            open STDERR, '>&', $slave;
        }
        else {
            POSIX::setsid();
            open STDIN, '<', '/dev/null';
            open STDOUT, '>', "$dir/out";
            open STDERR, '>', "$dir/err";
        }
        my @url = defined $self->{url} ? ('--url', $self->{url}) : ();
        { no warnings 'exec'; exec $self->{wrap}->@*, repo('build/abswitchctl'), @url, $self->{args}->@*, @args; }
        POSIX::_exit(127);
    }
    close $slave if $slave;
    close $until_exec;
    <$started>;    # ends with the exec: a signal sent before it would be lost in Perl
    weaken($alive{ refaddr $p } = $p);
    return $p;
}

package ABSwitch::Ctl::Process;
use Carp qw(croak);
use POSIX qw(WNOHANG);
use Scalar::Util qw(refaddr);
use ABSwitch::Host qw(slurp);
use ABSwitch::Wait qw(poll);

sub pid ($self) { return $self->{pid} }

# All that came so far; of a terminal both streams, with its line ends as line feeds.
sub out ($self) {
    return -e "$self->{dir}/out" ? slurp("$self->{dir}/out") : '' if !$self->{pty};
    my $bits = '';
    vec($bits, fileno $self->{pty}, 1) = 1;
    while (select(my $ready = $bits, undef, undef, 0) > 0) {
        sysread $self->{pty}, my $more, 65536 or last;
        $self->{seen} .= $more;
    }
    return $self->{seen} =~ s/\r\n/\n/gr;
}

sub err ($self) { return -e "$self->{dir}/err" ? slurp("$self->{dir}/err") : '' }

# A test point: this appears in the output, or in what it says of trouble.
sub until ($self, $pattern, $name = "it says $pattern") {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $seen = poll($self->{deadline}, sub { ($self->out . $self->err) =~ $pattern || !$self->is_running });
    my $all = $self->out . $self->err;
    return Test::More::like($all, $pattern, $name);
}

sub type ($self, $text) {
    syswrite $self->{pty}, $text;
    return;
}

sub signal ($self, $signal) {
    kill $signal, $self->{pid};
    return;
}

sub is_running ($self) {
    return 0 if defined $self->{exit};
    local $?;
    return 1 if waitpid($self->{pid}, WNOHANG) == 0;
    $self->{exit} = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    return 0;
}

# Waits for its end, and kills it at the deadline; { exit, out, err }.
sub end ($self) {
    my $ended = poll($self->{deadline}, sub { $self->out if $self->{pty}; !$self->is_running });
    if (!$ended) {
        Test::More::fail('abswitchctl ends within ' . $self->{deadline} . ' s');
        kill 'KILL', $self->{pid};
        poll(5, sub { !$self->is_running });
    }
    return { exit => $self->{exit} // -1, out => $self->out, err => $self->err };
}

sub DESTROY ($self) {
    return if $self->{owner} != $$ || !delete $alive{ refaddr $self } || !$self->is_running;
    local ($@, $?);
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

END { $_ && $_->DESTROY for values %alive }

1;
