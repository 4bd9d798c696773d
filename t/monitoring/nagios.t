#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The definitions for Nagios and Icinga, in the real programs: each verifies them, runs the check, and shows what it said.

use v5.36;
use Test::More;
use ABSwitch::Host qw(repo run slurp which);
use ABSwitch::Program;
use ABSwitch::Site;
use ABSwitch::Wait;

my $site = ABSwitch::Site->new->start;
wait_for 'the first syncs', 10, sub { ($_ = $site->side('B')->{drain}) eq 'drained' };
my $url = $site->origin . '/abswitch-status';

# Nagios and Icinga run their checks as a user of their own, who cannot go where the tree may be.
my $tool = ABSwitch::Program->new(name => 'monitoring');
chmod 0755, $tool->path;
my $is_real = -x repo('build/abswitchctl');
my $command = $tool->write('abswitchctl', $is_real ? slurp(repo('build/abswitchctl')) : <<'SH', 0755);
#!/bin/sh
# Stands in for abswitchctl where it is not built: refuses what that would.
[ $# = 8 ] && [ "$1 $3 $5 $7" = "--url check -w -c" ] || { echo "usage: $*"; exit 3; }
case "$2 $4 $6 $8" in
    http://*/abswitch-status" contact 5000 20000") ;;
    *) echo "not what was configured: $*"; exit 3 ;;
esac
echo "ABSWITCH OK - contact: A open, 0 sessions; B draining, 0 sessions | contact_A=0 contact_B=0"
SH
diag $is_real ? 'with abswitchctl' : 'with a stand-in: abswitchctl is not built';

# What is shipped, for this machine.
sub for_us ($file) {
    my $text = slurp(repo("conf/monitoring/$file")) =~ s{/usr/local/bin/abswitchctl}{$command}gr;
    return $text =~ s{http://web1\.example/abswitch-status}{$url}gr;
}

subtest 'Nagios' => sub {
    my $nagios = which('nagios4', 'nagios') or plan skip_all => 'there is no Nagios';
    my $work = ABSwitch::Program->new(name => 'nagios');
    my $user = getpwnam('nagios') && $> == 0 ? 'nagios' : getpwuid $>;
    my $dir = $work->path;
    $work->write('abswitch.cfg', for_us('nagios/abswitch.cfg'));
    $work->write('site.cfg', <<'CFG');
define timeperiod {
    timeperiod_name 24x7
    alias always
    sunday 00:00-24:00
    monday 00:00-24:00
    tuesday 00:00-24:00
    wednesday 00:00-24:00
    thursday 00:00-24:00
    friday 00:00-24:00
    saturday 00:00-24:00
}
define command {
    command_name true
    command_line /bin/true
}
define contact {
    contact_name nobody
    service_notification_period 24x7
    host_notification_period 24x7
    service_notification_commands true
    host_notification_commands true
}
define host {
    host_name web1
    address 127.0.0.1
    max_check_attempts 1
    check_period 24x7
    notification_period 24x7
    contacts nobody
}
define service {
    name generic-service
    check_period 24x7
    notification_period 24x7
    contacts nobody
    register 0
}
CFG
    mkdir "$dir/var";
    $work->write('nagios.cfg', <<"CFG");
cfg_file=${dir}abswitch.cfg
cfg_file=${dir}site.cfg
log_file=${dir}var/nagios.log
object_cache_file=${dir}var/objects.cache
status_file=${dir}var/status.dat
status_update_interval=1
temp_file=${dir}var/temp
temp_path=${dir}var
check_result_path=${dir}var
command_file=${dir}var/command
query_socket=${dir}var/query
lock_file=${dir}var/pid
state_retention_file=${dir}var/retention.dat
use_syslog=0
illegal_macro_output_chars=`~\$&|'"<>
nagios_user=$user
service_inter_check_delay_method=n
CFG
    run('chown', '-R', $user, $dir) if $> == 0;
    my ($exit, $said) = run($nagios, '-v', "${dir}nagios.cfg");
    is $exit, 0, 'it verifies the definitions' or diag $said;
    like $said, qr/Total Warnings: 0\s+Total Errors:\s+0/, 'no warning, no error' or diag $said;

    $work->start($nagios, "${dir}nagios.cfg");
    my $found = sub { -e "${dir}var/status.dat" ? slurp("${dir}var/status.dat") =~ /^servicestatus \{(.*?)^\s*\}/ms && $1 : '' };
    wait_for 'it to run the check', 30, sub { ($_ = $found->()) =~ /plugin_output=ABSWITCH/ } or diag $work->said;
    my $status = $found->();
    diag $status =~ /^(\s*plugin_output=.*)/m;
    like $status, qr/^\s*plugin_output=ABSWITCH OK - contact: /m, 'its line';
    like $status, qr/^\s*performance_data=contact_A=0 contact_B=0$/m, 'its performance data';
    like $status, qr/^\s*current_state=0$/m, 'OK';
    $work->stop;
};

subtest 'Icinga' => sub {
    my $icinga = which('icinga2') or plan skip_all => 'there is no Icinga';
    my $work = ABSwitch::Program->new(name => 'icinga');
    my $dir = $work->path;
    my $user = $> == 0 ? 'nagios' : getpwuid $>;
    $work->write('abswitch.conf', for_us('icinga2/abswitch.conf'));
    $work->write('icinga2.conf', <<"CONF");
include <itl>
const NodeName = "test"
library "checker"
object CheckerComponent "checker" { }
library "perfdata"
object PerfdataWriter "out" {
  service_perfdata_path = "${dir}perfdata/service"
  service_temp_path = "${dir}perfdata/service.tmp"
  host_perfdata_path = "${dir}perfdata/host"
  host_temp_path = "${dir}perfdata/host.tmp"
  service_format_template = "\$host.name\$!\$service.name\$: \$service.state_id\$ \$service.output\$ = \$service.perfdata\$"
  rotation_interval = 1s
}
include "${dir}abswitch.conf"
object Host "web1" {
  check_command = "dummy"
  address = "127.0.0.1:${\ $site->port}"
  vars.abswitch["contact"] = { warning = 5000, critical = 20000 }
}
CONF
    mkdir "${dir}perfdata";
    run('chown', '-R', $user, $dir) if $> == 0;
    my ($exit, $said) = run($icinga, "-DConfiguration.VarsPath=${dir}vars", 'daemon', '-C', '-c', "${dir}icinga2.conf");
    is $exit, 0, 'it verifies the definitions' or diag $said;
    unlike $said, qr/warning|critical/, 'no warning' or diag $said;
    like $said, qr/Instantiated 1 Service\b/, 'a service for the application';

    # Where it keeps its own is compiled in: in a view of the file system of its own it may.
    my $unshare = $> == 0 && which('unshare') or return;
    my $places = join ' ', map { "/$_/icinga2" } qw(var/lib var/cache var/log var/spool);
    my $view = "mount -t tmpfs none /run && mkdir /run/icinga2 && for at in $places; do mkdir -p \$at && "
        . "mount -t tmpfs none \$at && chown $user \$at || exit; done; chown $user /run/icinga2";
    return diag 'a view of the file system cannot be had here' if (run($unshare, '--mount', 'sh', '-c', $view))[0];
    $work->start($unshare, '--mount', 'sh', '-c', "$view; exec $icinga daemon -c ${dir}icinga2.conf");
    my $found = sub { join '', map { slurp($_) } grep { -s } glob "${dir}perfdata/*" };
    wait_for 'it to run the check', 60, sub { ($_ = $found->()) =~ /ABSWITCH/ } or diag $work->said;
    like $found->(), qr/^web1!abswitch-contact: 0 ABSWITCH OK - contact: .* = .*contact_A=0.*contact_B=0/m, 'what it said';
    $work->stop;
};

$site->log_is_clean;
done_testing;
