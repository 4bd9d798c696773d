# SPDX-License-Identifier: Apache-2.0
# A real httpd for a test: on a free port, in a directory of its own, stopped by pid whatever becomes of the test.
#
#     use ABSwitch::Httpd;
#     my $httpd = ABSwitch::Httpd->new(mpm => 'prefork', conf => 'Redirect /old http://localhost:${PORT}/new');
#     $httpd->write('htdocs/new', "hello\n");
#     $httpd->start;
#     is $httpd->client->get('/new')->body, "hello\n";
#     $httpd->expect_log(qr/AH00957/);                    # these lines are no surprise
#     $httpd->log_is_clean;
#
# A server whose error log holds a surprise that no log_is_clean has reported fails the test when it goes.

package ABSwitch::Httpd;
use v5.36;
use Carp qw(croak);
use POSIX qw(WNOHANG);
use Scalar::Util qw(refaddr weaken);
use Test::More ();
use Time::HiRes qw(sleep);
use ABSwitch::Client;
use ABSwitch::Browser;
use ABSwitch::ErrorLog;
use ABSwitch::Host qw(free_port repo run slurp spew);
use ABSwitch::HttpdConf;
use ABSwitch::TempDir;
use ABSwitch::Wait qw(poll);

my %alive;

# mpm        event, worker or prefork (event)
# conf       directives at the end of the main server's configuration; ${ROOT} and ${PORT} are defined
# module     0: without mod_abswitch
# modules    more modules of httpd's own; '-include' leaves one out
# name       for messages and the directory (httpd)
# log_level  not below notice, which restarts are seen by (info abswitch:debug)
# log_format of the access log, in place of the one that access_log reads
# wrap       a command to run httpd under: [qw(valgrind --tool=callgrind)]
# args       more arguments of httpd: ['-X']
# deadline   seconds for a start, stop or restart (15)
sub new ($class, %o) {
    my $self = bless {
        mpm => 'event', conf => '', module => 1, modules => [], name => 'httpd', wrap => [], args => [],
        deadline => 15, %o, owner => $$,
    }, $class;
    $self->{port} //= free_port();
    $self->{dir} = temp_dir($self->{name});
    mkdir "$self->{dir}/$_" for qw(conf htdocs logs run);
    $self->{log} = ABSwitch::ErrorLog->new(map { $self->path("logs/$_") } qw(stderr error_log));
    $self->write('conf/mime.types', ABSwitch::HttpdConf::mime_types());
    weaken($alive{ refaddr $self } = $self);
    return $self;
}

sub mpms ($class) { return ABSwitch::HttpdConf::mpms() }

sub name ($self)             { return $self->{name} }
sub port ($self)             { return $self->{port} }
sub pid ($self)              { return $self->{pid} }
sub path ($self, $name = '') { return "$self->{dir}/$name" }
sub state_dir ($self)        { return $self->path('run/abswitch') }
sub origin ($self)           { return "http://127.0.0.1:$self->{port}" }

sub client ($self, %o)  { return ABSwitch::Client->new(port => $self->{port}, %o) }
sub browser ($self, %o) { return ABSwitch::Browser->new(port => $self->{port}, %o) }

# Writes a file below the server's directory; returns its path.
sub write ($self, $name, $text, $mode = 0644) {    ## no critic (ProhibitBuiltinHomonyms)
    return spew($self->path($name), $text, $mode);
}

# Copies a file or folder of the source tree to a place below the server's directory, where httpd's user can
# read it whoever owns the tree.
sub copy ($self, $from, $to) {
    my ($exit, $output) = run('cp', '-RL', repo($from), $self->path($to));
    croak "cp $from: $output" if $exit;
    run('chmod', '-R', 'a+rX', $self->path($to));
    return $self->path($to);
}

# Other directives, in force from the next start, graceful or restart.
sub set_conf ($self, $conf) {
    $self->{conf} = $conf;
    return $self->_write_conf;
}

# httpd -t with these directives in place of the server's own: (exit status, output).
sub configtest ($self, $conf = $self->{conf}) {
    my $file = $self->write('conf/test.conf', $self->_conf_text($conf));
    return run(ABSwitch::HttpdConf::httpd(), '-t', '-f', $file);
}

# --- life -----------------------------------------------------------------------------------------------

# Returns when the server answers; dies, saying why, if it does not.
sub start ($self) {
    my $why = $self->try_start;
    croak $why if defined $why;
    return $self;
}

# The same for those who expect a refusal: undef, or what the server said. A port that somebody else took is
# replaced by another as long as the test cannot know it.
sub try_start ($self) {
    croak "$self->{name} runs already" if $self->{pid};
    my $why;
    for my $attempt (1 .. 5) {
        $self->_write_conf;
        my $before = length $self->{log}->text;
        $self->_spawn;
        $self->{started} = 1, return if $self->_until_it_answers;
        $self->kill_all if $self->{pid};
        my $said = substr $self->{log}->text, $before;
        $why = "$self->{name} did not start ($self->{end}): $said";
        last if $said !~ /Address already in use/;
        $self->expect_log(qr/Address already in use|AH00015|no listening sockets available/);
        $self->{started} ? sleep 0.5 : ($self->{port} = free_port());
    }
    return $why;
}

# TERM, or WINCH if graceful: lets requests finish first. KILL at the deadline, which fails the test.
sub stop ($self, $how = '') {
    my $group = $self->{pid} or return;
    if ($self->is_running) {
        kill $how eq 'graceful' ? 'WINCH' : 'TERM', $group;
    }
    else {
        Test::More::fail("$self->{name} ended by itself: $self->{end}");
    }
    my $ended = poll($self->{deadline}, sub { !$self->is_running });
    my $alone = poll(5, sub { !_group($group) });
    if (!$ended || !$alone) {
        my @left = map { "$_->{pid} ($_->{name})" } _group($group);
        $self->kill_all($group);
        Test::More::fail("$self->{name} stops");
        Test::More::diag("still running: @left");
    }
    return;
}

# New configuration and new children; requests under way finish on the old ones. Returns when the new ones
# answer and the old ones are gone. stays: how many of these do not go, as the test holds them.
sub graceful ($self, %o) {
    my %old = map { $_ => 1 } $self->children;
    $self->_resume('USR1');
    poll(5, sub { ($o{stays} // 0) >= grep { $old{$_} } $self->children });
    return $self;
}

# The same, but requests under way are cut off.
sub restart ($self) {
    return $self->_resume('HUP');
}

# SIGKILL for the parent and every child at once, as the kernel would when memory runs out.
sub kill_all ($self, $group = $self->{pid}) {
    return if !$group;
    kill 'KILL', -$group;
    poll($self->{deadline}, sub { !$self->is_running && !_group($group) });
    delete $self->{pid};
    $self->expect_log(qr/AH00098: pid file .* overwritten/);
    return;
}

# Whether the parent is alive. A server that a test has found dead here is no failure any more.
sub is_running ($self) {
    return 0 if !$self->{pid};
    local $?;
    return 1 if waitpid($self->{pid}, WNOHANG) == 0;
    $self->{end} = $? & 127 ? 'signal ' . ($? & 127) : 'exit status ' . ($? >> 8);
    delete $self->{pid};
    return 0;
}

# The pids of httpd's children.
sub children ($self) {
    my $parent = $self->{pid} or return;
    return map { $_->{pid} } grep { $_->{parent} == $parent } _group($parent);
}

# --- logs -----------------------------------------------------------------------------------------------

sub log_text ($self)               { return $self->{log}->text }
sub errors ($self)                 { return $self->{log}->unexpected }
sub expect_log ($self, @patterns)  { return $self->{log}->expect(@patterns) }

# A test point: no line of warn or worse, no crash, less what expect_log named.
sub log_is_clean ($self, $name = "$self->{name}: the error log is clean") {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $self->_no_surprise($name, $self->{log}->news);
}

# The access log: a hash per request of status, request, app, side, verdict, pid; '-' is absent. A line is
# written after its response was sent, so wait for it.
sub access_log ($self) {
    my @lines = split /\n/, -e $self->path('logs/access_log') ? slurp($self->path('logs/access_log')) : '';
    return map { my %line; @line{qw(status request app side verdict pid)} = split /\t/; \%line } @lines;
}

# --- inside ---------------------------------------------------------------------------------------------

sub _no_surprise ($self, $name, @lines) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::ok(!@lines, $name) || Test::More::diag(join "\n", @lines);
}

# What a subclass has to say before the test's own directives.
sub conf_before ($self) { return '' }

sub _conf_text ($self, $conf) {
    return ABSwitch::HttpdConf::text(
        (map { $_ => $self->{$_} } qw(mpm port module modules log_level log_format)),
        root => $self->{dir}, conf => $self->conf_before . $conf,
    );
}

sub _write_conf ($self) {
    return $self->write('conf/httpd.conf', $self->_conf_text($self->{conf}));
}

# In the foreground, so that we are told of its end, and leading a process group, so that nothing is lost.
sub _spawn ($self) {
    my @command = ($self->{wrap}->@*, ABSwitch::HttpdConf::httpd(), '-f', $self->path('conf/httpd.conf'),
        '-DFOREGROUND', $self->{args}->@*);
    $self->{pid} = fork // croak "fork: $!";
    if (!$self->{pid}) {
        POSIX::setpgid(0, 0);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $self->path('logs/stderr');
        open STDERR, '>&', \*STDOUT;
        { no warnings 'exec'; exec { $command[0] } @command; }
        print STDERR "$command[0]: $!\n";
        POSIX::_exit(127);
    }
    POSIX::setpgid($self->{pid}, $self->{pid});
    return;
}

# `OPTIONS *` is answered by httpd's core and belongs to no application.
sub _until_it_answers ($self) {
    $self->{end} = 'no answer in time';
    my $probe = $self->client(deadline => 10);
    my $answer;
    poll($self->{deadline}, sub {
        !$self->is_running || ($answer = -e $self->path('logs/httpd.pid') && $probe->request('OPTIONS', '*')->status);
    });
    return $self->{pid} && $answer;
}

sub _resume ($self, $signal) {
    my $resumed = sub { scalar(() = $self->{log}->text =~ /resuming normal operations/g) };
    my $before = $resumed->();
    kill $signal, $self->{pid} // croak "$self->{name} does not run";
    my $done = poll($self->{deadline}, sub { !$self->is_running || $resumed->() > $before });
    if (!$done || !$self->_until_it_answers) {
        croak "$self->{name} did not come back after $signal ($self->{end}): " . $self->{log}->tail;
    }
    return $self;
}

# The processes of a group that have not ended, from /proc.
sub _group ($group) {
    my @found;
    for my $file (glob '/proc/[0-9]*/stat') {
        open my $stat, '<', $file or next;
        my ($pid, $name, $state, $parent, $its) = (<$stat> // '') =~ /\A(\d+) \((.*)\) (\w) (\d+) (\d+)/ or next;
        push @found, { pid => $pid, name => $name, parent => $parent } if $its == $group && $state !~ /[ZX]/;
    }
    return @found;
}

sub DESTROY ($self) {
    return if $self->{owner} != $$ || !delete $alive{ refaddr $self };
    local $@;
    $self->stop;
    my @odd = $self->{log}->news;
    $self->_no_surprise("$self->{name}: the error log is clean", @odd) if @odd;
    return;
}

# Before Test::More is taken apart; a signal must come by here too.
END { $_ && $_->DESTROY for values %alive }
$SIG{$_} //= sub { exit 130 } for qw(INT TERM HUP);

1;
