# SPDX-License-Identifier: Apache-2.0
# What a server wrote to its error log (and to stderr before it had one), and which of it nobody expected.
#
#     my $log = ABSwitch::ErrorLog->new("$dir/stderr", "$dir/error_log");
#     $log->expect(qr/AH00957/);
#     my @lines = $log->unexpected;
#
# $ABSWITCH_TOLERATED is a pattern of lines that are no surprise to whoever runs the tests in a slow httpd.

package ABSwitch::ErrorLog;
use v5.36;
use ABSwitch::Host qw(slurp);

# httpd's own: on TERM the event MPM takes its pollset away while a worker still closes a connection; and on a busy
# machine a child takes seconds to end. One that hangs is killed in the end, which is no such line (AH00046).
use constant HARMLESS => qr/AH03092: process_lingering_close: apr_pollset_add failure|AH00045: child process \d+ still did/;

# httpd's own: stopped or restarted at once, the event MPM's main thread closes the sockets that its workers serve
# (close_worker_sockets), and a worker that frees one meanwhile ends the child with a segmentation fault, with or
# without this module. Only at that place; t/stop.t shows that a server without connections never does it.
my $CRASH = qr/^.*AH00052: child pid \d+ exit signal Segmentation fault.*\n/m;
my $END = qr/.*AH00491: caught SIGTERM|.*AH00493: SIGHUP received/;
my $BUSY_END = qr/$CRASH(?=(?:$CRASH)*(?:.*AH00096.*\n)?(?:$END))/;

sub new ($class, @files) {
    my @tolerated = grep { defined } $ENV{ABSWITCH_TOLERATED};
    return bless { files => \@files, expected => [HARMLESS, map { qr/$_/ } @tolerated], reported => {} }, $class;
}

sub text ($self) {
    return join '', map { -e $_ ? slurp($_) : () } $self->{files}->@*;
}

# Lines that match are no surprise, from now on and before.
sub expect ($self, @patterns) {
    push $self->{expected}->@*, @patterns;
    return;
}

# Of level warn and above; or not written by httpd's logger, such as malloc's last words; or a child's crash,
# which httpd logs as a mere notice.
sub unexpected ($self) {
    my @odd = grep {
        !/\A\[[^\]]+\] \[[\w-]*:(?:notice|info|debug|trace\d)\] / || /exit signal/
    } split /\n/, $self->text =~ s/$BUSY_END//gr;
    for my $pattern ($self->{expected}->@*) {
        @odd = grep { $_ !~ $pattern } @odd;
    }
    return @odd;
}

# The unexpected lines that this has not returned before.
sub news ($self) {
    return grep { !$self->{reported}{$_}++ } $self->unexpected;
}

sub tail ($self, $n = 20) {
    my @lines = split /^/, $self->text;
    return join '', @lines > $n ? @lines[-$n .. -1] : @lines;
}

1;
