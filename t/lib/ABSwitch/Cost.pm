# SPDX-License-Identifier: Apache-2.0
# What a request costs in instructions: httpd under callgrind, a short run and a long one, and the difference
# divided by the difference of their requests. Repeatable to some dozens, unlike times.
#
#     my $bare = ABSwitch::Cost->new(module => 0);
#     my $with = ABSwitch::Cost->new(conf => $application, setup => sub ($site) { ... });
#     diag $with->per_request('/contact/A/', Cookie => ...) - $bare->per_request('/contact/A/', Cookie => ...);
#
# Between two requests the client waits until the server sleeps: whether that finds the next one at once depends
# on who is quicker, and makes 150 instructions.
#
# A threaded MPM is what is measured. With prefork a server without any watchdog has one thread only, and libc
# then leaves out some 200 instructions around its system calls, which is not the module's doing.

package ABSwitch::Cost;
use v5.36;
use Carp qw(croak);
use Time::HiRes qw(sleep);
use ABSwitch::Site;

use constant { SHORT => 50, LONG => 300 };

# What Chromium sends when somebody follows a link.
use constant CHROMIUM => (
    Connection                  => 'keep-alive',
    'Cache-Control'             => 'max-age=0',
    'sec-ch-ua'                 => '"Chromium";v="156", "Not.A/Brand";v="24"',
    'sec-ch-ua-mobile'          => '?0',
    'sec-ch-ua-platform'        => '"Linux"',
    'Upgrade-Insecure-Requests' => 1,
    'User-Agent' => 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) '
        . 'Chrome/156.0.0.0 Safari/537.36',
    Accept       => 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
    'Sec-Fetch-Site' => 'same-origin',
    'Sec-Fetch-Mode' => 'navigate',
    'Sec-Fetch-User' => '?1',
    'Sec-Fetch-Dest' => 'document',
    'Accept-Encoding' => 'gzip, deflate, br, zstd',
    'Accept-Language' => 'en-GB,en;q=0.9',
);

# module     0: without mod_abswitch
# conf       directives
# setup      called with the server before it starts, to write its files
# mpm        worker, or prefork
# toggle     what is counted: calls of this function (ap_process_request)
# status     that every answer has (200)
sub new ($class, %o) {
    return bless { module => 1, conf => '', setup => sub { }, mpm => 'worker', toggle => 'ap_process_request',
        status => 200, %o }, $class;
}

sub per_request ($self, $path, @headers) {
    my ($long, $short) = map { $self->instructions($_, '/dev/null', $path, @headers) } LONG, SHORT;
    return ($long - $short) / (LONG - SHORT);
}

# Instructions of the one process that serves n requests for the path; callgrind's profile goes to a file that
# httpd's user can write.
sub instructions ($self, $n, $profile, $path, @headers) {
    my $server = ABSwitch::Httpd->new(
        mpm => $self->{mpm}, module => $self->{module}, name => 'cost', args => ['-X'], deadline => 60,
        log_level => 'notice', log_format => '%h %l %u %t \"%r\" %>s %b',
        wrap => [qw(valgrind --tool=callgrind), "--toggle-collect=$self->{toggle}", "--callgrind-out-file=$profile"],
        conf => "MaxKeepAliveRequests 0\nKeepAliveTimeout 60\n$self->{conf}");
    $self->{setup}->($server);
    $server->start;
    my $client = $server->client->connection;
    my %odd;
    for (1 .. $n) {
        my $answer = $client->get($path, CHROMIUM, @headers);
        $odd{ $answer->status }++ if $answer->status != $self->{status};
        _until_idle($server->pid);
    }
    croak join ', ', map { "$odd{$_} answers of $n were $_" } sort keys %odd if %odd;
    $client->close;
    $server->stop;
    $server->expect_log(qr/==\d+==/, qr/AH\d+/);
    my ($count) = $server->log_text =~ /Collected : (\d+)/ or croak 'valgrind did not say what it counted';
    return $count;
}

# Until none of the process's threads has anything to do, at two looks.
sub _until_idle ($pid) {
    my $looks = 0;
    while ($looks < 2) {
        my $busy = 0;
        for my $file (glob "/proc/$pid/task/*/stat") {
            open my $stat, '<', $file or next;
            $busy ||= (<$stat> // '') =~ /\) [RD] /;
        }
        $looks = $busy ? 0 : $looks + 1;
        sleep 0.0005;
    }
    return;
}

1;
