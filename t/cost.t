#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# What a passing request costs, in instructions: httpd under callgrind, a short run and a long one, and the
# difference divided by the difference of their requests. Repeatable, unlike times.

use v5.36;
use Test::More;
use ABSwitch::Host qw(slurp which);
use ABSwitch::Site;
use ABSwitch::Token;

plan skip_all => 'valgrind is not installed' if !which('valgrind');

use constant { SHORT => 100, LONG => 600 };
use constant CHROMIUM => (
    Connection                  => 'keep-alive',
    'Cache-Control'             => 'max-age=0',
    'sec-ch-ua'                 => '"Chromium";v="156", "Not.A/Brand";v="24"',
    'sec-ch-ua-mobile'          => '?0',
    'sec-ch-ua-platform'        => '"Linux"',
    'Upgrade-Insecure-Requests' => 1,
    'User-Agent' => 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
    Accept       => 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
    'Sec-Fetch-Site' => 'same-origin',
    'Sec-Fetch-Mode' => 'navigate',
    'Sec-Fetch-User' => '?1',
    'Sec-Fetch-Dest' => 'document',
    'Accept-Encoding' => 'gzip, deflate, br, zstd',
    'Accept-Language' => 'en-GB,en;q=0.9',
);

use constant APPLICATION => <<'CONF';
ABSwitchSecretFile ${ROOT}/conf/secret
ABSwitchSync 60s
<ABSwitch contact>
    ABSwitchLaunchpad /contact
    ABSwitchSide A /contact/A
    ABSwitchSide B /contact/B
</ABSwitch>
CONF

# Instructions of the one process that serves n requests for the path.
sub instructions ($n, $path, %o) {
    my $site = ABSwitch::Httpd->new(
        mpm => 'prefork', module => $o{module}, name => 'cost', args => ['-X'], deadline => 60, log_level => 'notice',
        wrap => [qw(valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=ap_process_request)],
        conf => "MaxKeepAliveRequests 0\nKeepAliveTimeout 60\n" . ($o{module} ? APPLICATION : ''));
    $site->write('conf/secret', 'k ' . ABSwitch::Site::SECRET . "\n", 0600);
    $site->write('htdocs/contact/A/index.html', "<!doctype html><title>A</title><h1>side A</h1>\n");
    $site->write('htdocs/outside/index.html',   "<!doctype html><title>A</title><h1>side A</h1>\n");
    $site->start;
    my $client = $site->client->connection;
    my $token = make_token(secret => ABSwitch::Site::SECRET, app => 'contact', side => 'A', login => time);
    my %odd;
    for (1 .. $n) {
        my $answer = $client->get($path, CHROMIUM, Cookie => "JSESSIONID=0123456789ABCDEF; abswitch_contact=$token",
            Referer => $site->origin . '/contact/A/');
        $odd{ $answer->status }++ if $answer->status != 200;
    }
    is_deeply \%odd, {}, "$n answers";
    $client->close;
    $site->stop;
    my ($count) = $site->log_text =~ /Collected : (\d+)/;
    $site->expect_log(qr/==\d+==/, qr/AH\d+/);
    return $count;
}

sub per_request ($path, %o) {
    return (instructions(LONG, $path, %o) - instructions(SHORT, $path, %o)) / (LONG - SHORT);
}

my %cost;
for (['without', 'A', 0], ['with', 'A', 1], ['without', 'outside', 0], ['with', 'outside', 1]) {
    my ($name, $where, $module) = @$_;
    $cost{"$name $where"} = per_request($where eq 'A' ? '/contact/A/index.html' : '/outside/index.html', module => $module);
}
diag sprintf 'a request below a side: %.0f instructions without the module, %.0f with it: %+.0f',
    $cost{'without A'}, $cost{'with A'}, $cost{'with A'} - $cost{'without A'};
diag sprintf 'a request outside of any application: %.0f without, %.0f with: %+.0f',
    $cost{'without outside'}, $cost{'with outside'}, $cost{'with outside'} - $cost{'without outside'};
cmp_ok $cost{'with A'} - $cost{'without A'}, '<', 100_000, 'a figure was measured';

done_testing;
