# SPDX-License-Identifier: Apache-2.0
# Real people with a real browser: Debian's chromium, headless, driven over WebDriver. Each has a profile of their own.
#
#     use ABSwitch::Chromium;
#     plan skip_all => $_ for ABSwitch::Chromium->missing;
#     my $chromium = ABSwitch::Chromium->new;
#     my $anna = $chromium->person;
#     $anna->visit($site->origin . '/contact');        # typed, or a bookmark
#     $anna->click('#enter');
#     is $anna->path, '/contact/A/';
#     is $anna->run('return document.title'), 'A';     # a promise is waited for
#
# What the browser or the driver refuses dies with its reason. All processes are gone when the test ends.

package ABSwitch::Chromium;
use v5.36;
use Carp qw(croak);
use HTTP::Tiny;
use JSON::PP;
use POSIX qw(WNOHANG);
use Scalar::Util qw(refaddr weaken);
use ABSwitch::ChromiumWindow;
use ABSwitch::Host qw(free_port slurp which);
use ABSwitch::TempDir;
use ABSwitch::Wait qw(poll);

my %alive;
my @WINDOW = (1200, 900);
my $MILLISECONDS = 200_000;    # for a script or a page, on a busy machine
my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# No sandbox because tests run as root; nothing that talks to the network by itself.
my @ARGUMENTS = qw(--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-default-apps --disable-extensions --disable-dev-shm-usage
    --disable-breakpad --no-proxy-server --no-default-browser-check --mute-audio);

# Why there can be no browser here; nothing if there can.
sub missing ($class) {
    return map { "there is no $_->[0] here" } grep { !which(@$_) } ['chromium', 'chromium-browser'], ['chromedriver'];
}

sub new ($class) {
    my $self = bless { owner => $$, people => 0, dir => temp_dir('chromium'), left => {}, sessions => {} }, $class;
    $self->{http} = HTTP::Tiny->new(timeout => 300, proxy => undef, http_proxy => undef, https_proxy => undef);
    for my $attempt (1 .. 3) {
        $self->{port} = free_port();
        $self->_spawn;
        my $ready = poll(20, sub {
            !$self->_is_running || eval { $self->call(GET => '/status')->{ready} };
        });
        last if $self->{pid} && $ready;
        $self->_end;
        croak 'chromedriver does not start: ' . slurp("$self->{dir}/log") if $attempt == 3;
    }
    weaken($alive{ refaddr $self } = $self);
    return $self;
}

# Somebody who was never here before. width and height of the window, dark => 1 for a dark desktop.
sub person ($self, %o) {
    my $home = "$self->{dir}/person" . ++$self->{people};
    my @dark = $o{dark} ? '--force-dark-mode' : ();
    my $size = join ',', $o{width} // $WINDOW[0], $o{height} // $WINDOW[1];
    my $options = {
        binary => which('chromium', 'chromium-browser'),
        args => [@ARGUMENTS, @dark, "--window-size=$size", "--user-data-dir=$home"],
    };
    my $wanted = { capabilities => { alwaysMatch => {
        browserName => 'chrome', 'goog:chromeOptions' => $options,
        timeouts => { script => $MILLISECONDS, pageLoad => $MILLISECONDS },
    } } };
    # The driver gives up on a browser that takes a minute to start.
    my $session = eval { $self->call(POST => '/session', $wanted) } // $self->call(POST => '/session', $wanted);
    $self->_note_processes;
    $self->{sessions}{ $session->{sessionId} } = 1;
    return ABSwitch::ChromiumWindow->new(driver => $self, id => $session->{sessionId});
}

# Closes this person's browser.
sub end_session ($self, $id) {
    $self->_note_processes;
    $self->call(DELETE => "/session/$id") if delete $self->{sessions}{$id};
    return;
}

# One call of the WebDriver protocol; returns its value.
sub call ($self, $method, $path, $body = undef) {
    my $answer = $self->{http}->request($method, "http://127.0.0.1:$self->{port}$path", {
        headers => { 'Content-Type' => 'application/json' },
        $method eq 'POST' ? (content => $json->encode($body // {})) : (),
    });
    my $data = eval { $json->decode($answer->{content}) };
    croak "chromedriver: $method $path: $answer->{status} $answer->{content}" if ref $data ne 'HASH';
    my $value = $data->{value};
    croak "$value->{error}: $value->{message} ($method $path)" if ref $value eq 'HASH' && defined $value->{error};
    return $value;
}

sub stop ($self) {
    return if !$self->{pid};
    $self->_note_processes;
    eval { $self->end_session($_) } for keys $self->{sessions}->%*;
    $self->_end;
    poll(5, sub { !$self->_left });
    kill 'KILL', $self->_left;
    poll(5, sub { !$self->_left });
    return;
}

# --- processes ------------------------------------------------------------------------------------------

sub _spawn ($self) {
    my @command = (which('chromedriver'), "--port=$self->{port}", '--allowed-ips=127.0.0.1');
    $self->{pid} = fork // croak "fork: $!";
    if (!$self->{pid}) {
        POSIX::setpgid(0, 0);
        @ENV{qw(HOME XDG_CONFIG_HOME XDG_CACHE_HOME TMPDIR)} = ($self->{dir}) x 4;
        delete @ENV{qw(DISPLAY WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS)};
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$self->{dir}/log";
        open STDERR, '>&', \*STDOUT;
        { no warnings 'exec'; exec { $command[0] } @command; }
        POSIX::_exit(127);
    }
    return;
}

sub _is_running ($self) {
    return 0 if !$self->{pid};
    local $?;
    return 1 if waitpid($self->{pid}, WNOHANG) == 0;
    delete $self->{pid};
    return 0;
}

sub _end ($self) {
    return if !$self->_is_running;
    kill 'TERM', $self->{pid};
    poll(10, sub { !$self->_is_running }) && return;
    kill 'KILL', $self->{pid};
    poll(5, sub { !$self->_is_running });
    return;
}

# A browser leads a process group of its own and its crash handler has left the family, so whoever descends from
# the driver is written down while that can be seen: pid and start time, which together name a process for ever.
sub _note_processes ($self) {
    my %process = _processes();
    my %ours = ($self->{pid} => 1);
    my $found = 1;
    while ($found) {
        my @more = grep { !$ours{$_} && $ours{ $process{$_}{parent} } } keys %process;
        @ours{@more} = (1) x @more;
        $found = @more;
    }
    my $dir = $self->{dir};
    $ours{$_} ||= $process{$_}{command} =~ /\Q$dir\E/ for keys %process;
    $self->{left}{$_} = $process{$_}{start} for grep { $ours{$_} && $_ != $self->{pid} && $process{$_} } keys %ours;
    return;
}

sub _left ($self) {
    my %process = _processes();
    return grep { $process{$_} && $process{$_}{start} == $self->{left}{$_} } keys $self->{left}->%*;
}

sub _processes () {
    my %process;
    for my $dir (glob '/proc/[0-9]*') {
        my ($stat, $command) = map { my $file; open($file, '<', "$dir/$_") ? <$file> // '' : '' } qw(stat cmdline);
        my ($pid, $state, @fields) = $stat =~ /\A(\d+) \(.*\) (\w) (.*)/s ? ($1, $2, split ' ', $3) : next;
        $process{$pid} = { parent => $fields[0], start => $fields[18], command => $command } if $state !~ /[ZX]/;
    }
    return %process;
}

sub DESTROY ($self) {
    return if $self->{owner} != $$ || !delete $alive{ refaddr $self };
    local ($@, $?);
    $self->stop;
    return;
}

END { $_ && $_->DESTROY for values %alive }
$SIG{$_} //= sub { exit 130 } for qw(INT TERM HUP);

1;
