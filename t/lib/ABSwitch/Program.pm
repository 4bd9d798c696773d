# SPDX-License-Identifier: Apache-2.0
# Any other program that a test needs for a while: in a directory of its own, ended by pid whatever becomes of the test.
#
#     my $prometheus = ABSwitch::Program->new(name => 'prometheus');
#     $prometheus->write('prometheus.yml', ...);
#     $prometheus->start('/usr/bin/prometheus', '--config.file=' . $prometheus->path('prometheus.yml'));
#     poll(20, sub { ... }) or diag $prometheus->said;

package ABSwitch::Program;
use v5.36;
use Carp qw(croak);
use POSIX qw(WNOHANG);
use Scalar::Util qw(refaddr weaken);
use ABSwitch::Host qw(slurp spew);
use ABSwitch::TempDir;
use ABSwitch::Wait qw(poll);

my %alive;

# name: for the directory
sub new ($class, %o) {
    my $self = bless { name => 'program', %o, owner => $$ }, $class;
    $self->{dir} = temp_dir($self->{name});
    weaken($alive{ refaddr $self } = $self);
    return $self;
}

sub path ($self, $name = '') { return "$self->{dir}/$name" }

sub write ($self, $name, $text, $mode = 0644) {    ## no critic (ProhibitBuiltinHomonyms)
    return spew($self->path($name), $text, $mode);
}

# In the foreground, leading a process group.
sub start ($self, @command) {
    croak "$self->{name} runs already" if $self->{pid};
    $self->{pid} = fork // croak "fork: $!";
    if (!$self->{pid}) {
        POSIX::setpgid(0, 0);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $self->path('said');
        open STDERR, '>&', \*STDOUT;
        { no warnings 'exec'; exec { $command[0] } @command; }
        print STDERR "$command[0]: $!\n";
        POSIX::_exit(127);
    }
    POSIX::setpgid($self->{pid}, $self->{pid});
    return $self;
}

# All that it has printed.
sub said ($self) { return -e $self->path('said') ? slurp($self->path('said')) : '' }

sub is_running ($self) {
    return 0 if !$self->{pid};
    local $?;
    return 1 if waitpid($self->{pid}, WNOHANG) == 0;
    delete $self->{pid};
    return 0;
}

# TERM; KILL for it and its children after five seconds.
sub stop ($self) {
    my $group = $self->{pid} // return;
    kill 'TERM', $group if $self->is_running;
    poll(5, sub { !$self->is_running });
    kill 'KILL', -$group;
    poll(5, sub { !$self->is_running });
    return;
}

sub DESTROY ($self) {
    return if $self->{owner} != $$ || !delete $alive{ refaddr $self };
    local ($@, $?);
    $self->stop;
    return;
}

END { $_ && $_->DESTROY for values %alive }

1;
