#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The plug-in in a real munin-node, asked over its port as a Munin master does.

use v5.36;
use IO::Socket::INET;
use Test::More;
use ABSwitch::Host qw(free_port repo run slurp which);
use ABSwitch::Program;
use ABSwitch::Site;
use ABSwitch::Wait;

my $node = which('munin-node');
my $munin_run = which('munin-run');
plan skip_all => 'there is no munin-node' if !$node || !$munin_run;

my $site = ABSwitch::Site->new->start;
$site->client->get('/contact/B/') for 1 .. 3;
poll(5, sub { $site->side('B')->{responses}{'2xx'} == 3 });

my $work = ABSwitch::Program->new(name => 'munin');
my $dir = $work->path;
chmod 0755, $dir;
my $port = free_port();
my $user = getpwuid $>;
my $group = getgrgid $);
$work->write('plugins/abswitch', slurp(repo('conf/monitoring/munin/abswitch')), 0755);
$work->write('plugin-conf.d/abswitch', "[abswitch]\nuser $user\nenv.url ${\ $site->origin}/abswitch-status\n");
mkdir "${dir}state";
$work->write('munin-node.conf', <<"CONF");
host 127.0.0.1
port $port
host_name web1
log_level 2
log_file ${dir}log
pid_file ${dir}pid
background 0
setsid 0
user $user
group $group
allow ^127\\.0\\.0\\.1\$
CONF
my @at = ('--config', "${dir}munin-node.conf", '--servicedir', "${dir}plugins", '--sconfdir', "${dir}plugin-conf.d");
$ENV{MUNIN_PLUGSTATE} = "${dir}state";

subtest 'munin-run' => sub {
    my ($exit, $said) = run($munin_run, @at, '--ignore-systemd-properties', 'abswitch');
    is $exit, 0, 'runs it' or diag $said;
    like $said, qr/^multigraph abswitch_responses\ns_contact_A\.value 0\ns_contact_B\.value 3$/m, 'values';
    ($exit, $said) = run($munin_run, @at, '--ignore-systemd-properties', 'abswitch', 'autoconf');
    is $said, "yes\n", 'autoconf';
};

subtest 'munin-node' => sub {
    # Its directory is a constant of its own.
    $work->write('OurPlace.pm', "use Munin::Common::Defaults; \$Munin::Common::Defaults::MUNIN_CONFDIR = '$dir'; 1;\n");
    $work->start($^X, '-T', "-I$dir", '-MOurPlace', $node, '--config', "${dir}munin-node.conf");
    my $socket;
    wait_for 'it to listen', 20, sub { $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port", Timeout => 10) }
        or diag $work->said . (-e "${dir}log" ? slurp("${dir}log") : '');
    my $ask = sub ($line) {
        local $SIG{ALRM} = sub { die "no answer to $line\n" };
        alarm 120;
        print $socket "$line\n";
        my $text = '';
        while (defined(my $got = <$socket>)) { last if $got eq ".\n"; $text .= $got }
        alarm 0;
        return $text;
    };
    like scalar <$socket>, qr/^# munin node at web1/, 'it greets';
    print $socket "cap multigraph\n";
    like scalar <$socket>, qr/multigraph/, 'it knows multigraph';
    print $socket "list web1\n";
    like scalar <$socket>, qr/\babswitch\b/, 'it has the plug-in';
    my $config = $ask->('config abswitch');
    my $values = $ask->('fetch abswitch');
    like $config, qr/^graph_category webserver$/m, 'its configuration';
    is scalar(() = $config =~ /^multigraph /mg), 6, 'six graphs';
    like $values, qr/^s_contact_B\.value 3$/m, 'its values';
    unlike $config . $values, qr/Bad exit|timed out/, 'without complaint';
    $work->stop;
};

$site->log_is_clean;
done_testing;
