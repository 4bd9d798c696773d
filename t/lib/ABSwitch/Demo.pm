# SPDX-License-Identifier: Apache-2.0
# A demo as make starts it, from a copy of the tree, so that it meets neither a demo that runs nor the state of an
# earlier one.
#
#     my $demo = ABSwitch::Demo->new(name => 'demo');    # conf/demo/run; its files are in build/demo
#     $demo->start or BAIL_OUT $demo->output;
#     $demo->client->get('/contact');
#     $demo->stop('INT');                                # test points: it ends cleanly, and leaves nobody behind

package ABSwitch::Demo;
use v5.36;
use Carp qw(croak);
use POSIX qw(WNOHANG);
use Scalar::Util qw(refaddr weaken);
use Test::More ();
use ABSwitch::Browser;
use ABSwitch::Client;
use ABSwitch::Host qw(free_port repo run slurp);
use ABSwitch::TempDir;
use ABSwitch::Wait;

my %alive;

# mode: 0700 keeps httpd's user out of the tree, as /root does
sub new ($class, %o) {
    my $self = bless { mode => 0755, %o, owner => $$ }, $class;
    my $dir = temp_dir('demo');
    mkdir "$dir/tree";
    mkdir "$dir/tree/build";
    my ($exit, $output) = run('cp', '-R', repo('conf'), repo('htdocs'), "$dir/tree");
    ($exit, $output) = run('cp', repo('build/mod_abswitch.so'), "$dir/tree/build") if !$exit;
    ($exit, $output) = run('chmod', '-R', 'a+rX', $dir) if !$exit;
    croak $output if $exit;
    chmod $self->{mode}, "$dir/tree";
    $self->{dir} = "$dir/tree";
    weaken($alive{ refaddr $self } = $self);
    return $self;
}

sub dir ($self)     { return $self->{dir} }
sub port ($self)    { return $self->{port} }
sub command ($self) { return "$self->{dir}/conf/$self->{name}/run" }

# What it has printed.
sub output ($self) {
    return -e "$self->{dir}/output" ? slurp("$self->{dir}/output") : '';
}

# True when it runs and answers, or has ended, which is_running tells.
sub start ($self, $port = free_port()) {
    $self->{port} = $port;
    $self->{pid} = fork // croak "fork: $!";
    if (!$self->{pid}) {
        # A shell cannot trap what is ignored when it begins, as INT is for whatever runs in the background.
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', "$self->{dir}/output";
        open STDERR, '>&', \*STDOUT;
        $ENV{PORT} = $port;
        { no warnings 'exec'; exec $self->command; }
        POSIX::_exit(127);
    }
    return poll(20, sub {
        !$self->is_running || $self->output =~ /the demo runs/ && $self->client->get('/contact')->status == 200;
    });
}

sub is_running ($self) {
    return 0 if !$self->{pid};
    local $?;
    return 1 if waitpid($self->{pid}, WNOHANG) == 0;
    $self->{status} = $?;
    delete $self->{pid};
    return 0;
}

# The httpds that live.
sub httpds ($self) {
    my @files = map { glob "$self->{dir}/build/$self->{name}/$_" } 'run/httpd.pid', '*/run/httpd.pid';
    return grep { kill 0, $_ } map { -s $_ && slurp($_) =~ /\A(\d+)/ ? $1 : () } @files;
}

sub stop ($self, $signal) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @httpds = $self->httpds;
    kill $signal, $self->{pid};
    poll(15, sub { !$self->is_running });
    Test::More::is($self->{status}, 0, "$signal ends it cleanly");
    wait_for('every httpd to be gone', 5, sub { !kill 0, @httpds });
    Test::More::is($self->client->get('/contact')->status, 0, 'nobody answers');
    return;
}

sub client ($self)  { return ABSwitch::Client->new(port => $self->{port}) }
sub browser ($self) { return ABSwitch::Browser->new(port => $self->{port}) }

sub side ($self, $name) {
    my $app = $self->client->get('/abswitch-status?format=json')->json->{apps}[0];
    return (grep { $_->{side} eq $name } $app->{sides}->@*)[0];
}

sub DESTROY ($self) {
    return if $self->{owner} != $$ || !delete $alive{ refaddr $self };
    local ($@, $?);
    my @pids = ((grep { $_ } $self->{pid}), $self->httpds);
    kill 'TERM', @pids;
    poll(10, sub { !$self->is_running && !grep { kill 0, $_ } @pids });
    return;
}

END { $_ && $_->DESTROY for values %alive }
$SIG{$_} //= sub { exit 130 } for qw(INT TERM HUP);

1;
