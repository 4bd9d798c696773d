# SPDX-License-Identifier: Apache-2.0
# What a request costs in instructions: httpd under callgrind, which says after each request what it took; the figure
# is the median. That is nearly the same in every run, while a sum is not: in each new second httpd makes the texts
# of its dates anew, and how many seconds there are is the machine's business.
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
use ABSwitch::Host qw(slurp);
use ABSwitch::Site;
use ABSwitch::TempDir;

# So many are measured, after some that find the caches of libraries and pools empty.
use constant { FIRST => 10, MEASURED => 31 };

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
    my $dir = temp_dir('cost');
    chmod 0777, $dir;
    $self->profile(FIRST + MEASURED, "$dir/profile", ["--dump-after=$self->{toggle}", '--dump-line=no'], $path, @headers);
    my @profiles = sort { ($a =~ /(\d+)\z/)[0] <=> ($b =~ /(\d+)\z/)[0] } glob "$dir/profile.*";
    my @counts = map { slurp($_) =~ /^totals: (\d+)/m ? $1 : croak "$_ has no total" } @profiles[-(MEASURED) .. -1];
    return (sort { $a <=> $b } @counts)[MEASURED / 2];
}

# httpd serves n requests for the path under callgrind, which has these options besides. Its profile goes to a file that
# httpd's user can write.
sub profile ($self, $n, $file, $options, $path, @headers) {
    my $server = ABSwitch::Httpd->new(
        mpm => $self->{mpm}, module => $self->{module}, name => 'cost', args => ['-X'], deadline => 60,
        log_level => 'notice', log_format => '%h %l %u %t \"%r\" %>s %b',
        wrap => [qw(valgrind --tool=callgrind), "--toggle-collect=$self->{toggle}", "--callgrind-out-file=$file",
            @$options],
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
    return;
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
