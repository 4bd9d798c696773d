#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# A real gmond is told by the real gmetric, and says so again.

use v5.36;
use IO::Socket::INET;
use Test::More;
use ABSwitch::Host qw(free_port repo run which);
use ABSwitch::Program;
use ABSwitch::Site;
use ABSwitch::Wait;

my $gmond = which('gmond');
plan skip_all => 'there is no gmond' if !$gmond || !which('gmetric') || !which('curl');

my $site = ABSwitch::Site->new(conf => "Redirect 503 /contact/B/broken\n")->start;
$site->client->get('/contact/B/') for 1 .. 3;
$site->client->get('/contact/B/broken');
poll(5, sub { my $r = $site->side('B')->{responses}; $r->{'2xx'} + $r->{'5xx'} == 4 });

my $work = ABSwitch::Program->new(name => 'gmond');
my ($udp, $tcp) = (free_port(), free_port());
my $conf = $work->write('gmond.conf', <<"CONF");
globals {
  daemonize = no
  setuid = no
  mute = no
  deaf = no
  allow_extra_data = yes
  host_dmax = 3600
  send_metadata_interval = 5
}
cluster { name = "test" }
udp_send_channel { host = 127.0.0.1
  port = $udp }
udp_recv_channel { bind = 127.0.0.1
  port = $udp }
tcp_accept_channel { bind = 127.0.0.1
  port = $tcp }
modules { module { name = "core_metrics" } }
CONF
$work->start($gmond, '-c', $conf);

sub xml () {
    my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$tcp", Timeout => 5) or return '';
    local $/;
    return <$socket> // '';
}

wait_for 'gmond', 20, sub { ($_ = xml()) =~ /GANGLIA_XML VERSION/ } or diag $work->said;
my %has;
wait_for 'gmond to have heard of it', 20, sub {
    my ($exit, $said) = run(repo('conf/monitoring/ganglia/abswitch-gmetric'), '-u', $site->origin . '/abswitch-status', '-c', $conf);
    die $said if $exit;
    %has = map { /<METRIC NAME="(abswitch_\w+)" VAL="([^"]*)"/ ? ($1 => $2 + 0) : () } split /(?=<METRIC )/, xml();
    $_ = join ' ', sort keys %has;
    exists $has{abswitch_contact_B_p95};
};
is $has{abswitch_contact_B_responses}, 4, 'responses';
is $has{abswitch_contact_B_failed}, 1, 'those that failed';
is $has{abswitch_contact_A_sessions}, 0, 'sessions';
like xml(), qr/<METRIC NAME="abswitch_contact_B_responses" [^>]*UNITS="responses"[^>]*>.*?VAL="abswitch"/s, 'their unit and group';
$work->stop;

$site->log_is_clean;
done_testing;
