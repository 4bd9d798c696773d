# SPDX-License-Identifier: Apache-2.0
# This machine: where the tree, its tools and free ports are, and how to run a command.
#
#     use ABSwitch::Host qw(repo apxs which free_port run slurp spew);
#     my ($exit, $output) = run(repo('build/t/test_switch'));

package ABSwitch::Host;
use v5.36;
use Carp qw(croak);
use Cwd qw(realpath);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Time::HiRes qw(alarm);

our @EXPORT_OK = qw(repo apxs which free_port is_free run slurp spew);

my $root = realpath(dirname(__FILE__) . '/../../..');

# A path of the source tree, absolute.
sub repo ($path = '') {
    return $path eq '' ? $root : "$root/$path";
}

# The first of these commands that exists, absolute; undef if there is none.
sub which (@names) {
    for my $name (@names) {
        for my $dir (split /:/, $ENV{PATH} . ':/usr/sbin:/sbin') {
            return "$dir/$name" if -x "$dir/$name" && !-d _;
        }
    }
    return;
}

# What httpd was built with: apxs('LIBEXECDIR'). $APXS chooses another httpd.
sub apxs ($what) {
    state %known;
    return $known{$what} //= do {
        my $apxs = $ENV{APXS} || which(qw(apxs apxs2)) || croak 'there is no apxs';
        my ($exit, $output) = run($apxs, '-q', $what);
        croak "$apxs -q $what: $output" if $exit;
        $output =~ s/\s+\z//r;
    };
}

# A TCP port of 127.0.0.1 that nobody has. Below those that the kernel gives to outgoing connections, so that nobody
# takes it while a server of ours is away for a moment; at random, for other tests look for one at the same time, and
# ours until this test ends, for it is not taken at once.
use constant { FIRST_PORT => 10_000, LAST_PORT => 32_000 };

sub is_free ($port) {
    return !!IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1, ReuseAddr => 1);
}

sub free_port () {
    for (1 .. 1000) {
        my $port = FIRST_PORT + int rand(LAST_PORT - FIRST_PORT);
        return $port if _claim($port) && is_free($port);
    }
    croak "no free port: $!";
}

# By a name that the kernel knows, and forgets with us: a socket without a file, where there are such ones.
sub _claim ($port) {
    state @claims;
    return 1 if $^O ne 'linux';
    my $claim = IO::Socket::UNIX->new(Local => "\0abswitch-test-port-$port", Listen => 1) or return 0;
    push @claims, $claim;
    return 1;
}

# Runs a command; returns its exit status (128 + N when signal N ended it) and all that it printed. A first
# argument { deadline => seconds } changes the 300 seconds after which it is killed.
sub run (@command) {
    my $deadline = ref $command[0] ? (shift @command)->{deadline} : 300;
    my $pid = open(my $pipe, '-|') // croak "fork: $!";
    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDERR, '>&', \*STDOUT;
        { no warnings 'exec'; exec { $command[0] } @command; }
        print "$command[0]: $!\n";
        STDOUT->flush;
        POSIX::_exit(127);
    }
    local $SIG{ALRM} = sub { kill KILL => $pid };
    alarm $deadline;
    my $output = do { local $/; <$pipe> } // '';
    close $pipe;
    alarm 0;
    return ($? & 127 ? 128 + ($? & 127) : $? >> 8, $output);
}

sub slurp ($path) {
    open my $file, '<:raw', $path or croak "$path: $!";
    local $/;
    return <$file> // '';
}

# Writes a file whole or not at all, making the directories above it.
sub spew ($path, $text, $mode = 0644) {
    make_path(dirname($path));
    open my $file, '>:raw', "$path.new" or croak "$path.new: $!";
    chmod $mode, $file;
    print {$file} $text;
    close $file or croak "$path.new: $!";
    rename "$path.new", $path or croak "$path: $!";
    return $path;
}

1;
