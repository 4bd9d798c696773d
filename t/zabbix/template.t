#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# A real Zabbix server with its database and its API: the template is imported, a host is given it, and what the server
# reads from a real httpd is what the status page says.

use v5.36;
use IO::Socket::INET;
use JSON::PP ();
use Test::More;
use ABSwitch::Client;
use ABSwitch::Host qw(free_port repo run slurp which);
use ABSwitch::Program;
use ABSwitch::Site;
use ABSwitch::Wait;

my $server = which('zabbix_server');
my ($postgres) = grep { -x "$_/initdb" } sort { $b cmp $a } glob '/usr/lib/postgresql/*/bin';
my ($sql) = grep { -e "$_/schema.sql.gz" } '/usr/share/zabbix-server-pgsql';
plan skip_all => 'there is no Zabbix server with PostgreSQL' if !$server || !$postgres || !$sql || !-d '/usr/share/zabbix' || !which('php');
plan skip_all => 'not root: PostgreSQL runs as another user here' if $> != 0;

my $site = ABSwitch::Site->new(conf => "Redirect 503 /contact/B/broken\n")->start;

# --- the database, the server, the frontend with its API --------------------------------------------------------

my ($db, $zabbix, $web) = map { ABSwitch::Program->new(name => $_) } qw(postgres zabbix frontend);
my $socket = $db->path;
chmod 0755, $socket;
mkdir "$socket/data";
run('chown', '-R', 'postgres', $socket);
my @as = (which('runuser'), '-u', 'postgres', '--');
my ($exit, $said) = run(@as, "$postgres/initdb", '-D', "$socket/data", '-A', 'trust', '-U', 'zabbix');
is $exit, 0, 'a database' or BAIL_OUT($said);
$db->start(@as, "$postgres/postgres", '-D', "$socket/data", '-k', $socket, '-c', 'listen_addresses=', '-c', 'fsync=off');
my @psql = ("$postgres/psql", '-q', '-h', $socket, '-U', 'zabbix');
wait_for 'it to answer', 20, sub { (run(@psql, '-c', 'create database zabbix', 'postgres'))[0] == 0 };
($exit, $said) = run({ deadline => 120 }, 'sh', '-c', "zcat $sql/schema.sql.gz $sql/images.sql.gz $sql/data.sql.gz | @psql zabbix");
is $exit, 0, 'with the tables of Zabbix' or diag substr $said, -500;

my $web_port = free_port();
my ($trap_port) = grep { IO::Socket::INET->new(LocalAddr => "127.0.0.1:$_", Listen => 1) } map { 20000 + int rand 12000 } 1 .. 9;
my $dir = $zabbix->path;
$zabbix->write('server.conf', <<"CONF");
LogType=console
DBHost=$socket
DBName=zabbix
DBUser=zabbix
ListenIP=127.0.0.1
ListenPort=$trap_port
PidFile=${dir}pid
SocketDir=${dir}
AllowRoot=1
CacheUpdateFrequency=1
StartPollers=1
StartPreprocessors=1
StartHTTPPollers=1
CONF
$zabbix->start($server, '-f', '-c', "${dir}server.conf");

run('cp', '-RL', '/usr/share/zabbix', $web->path('www'));
my $file = 'www/include/classes/core/CConfigFile.php';
$web->write($file, slurp($web->path($file)) =~ s{/etc/zabbix/zabbix\.conf\.php}{$web->path('zabbix.conf.php')}er);
$web->write('zabbix.conf.php', <<"PHP");
<?php
\$DB['TYPE'] = 'POSTGRESQL';
\$DB['SERVER'] = '$socket';
\$DB['PORT'] = '0';
\$DB['DATABASE'] = 'zabbix';
\$DB['USER'] = 'zabbix';
\$DB['PASSWORD'] = '';
\$DB['SCHEMA'] = '';
\$DB['ENCRYPTION'] = false;
\$DB['DOUBLE_IEEE754'] = true;
\$ZBX_SERVER = '127.0.0.1';
\$ZBX_SERVER_PORT = '$trap_port';
\$ZBX_SERVER_NAME = '';
\$IMAGE_FORMAT_DEFAULT = IMAGE_FORMAT_PNG;
PHP
$web->start(which('php'), '-d', 'max_execution_time=300', '-d', 'memory_limit=256M', '-S', "127.0.0.1:$web_port", '-t', $web->path('www'));

my $json = JSON::PP->new->canonical;
my $api = ABSwitch::Client->new(port => $web_port, deadline => 60);
my $key;

# The result of a call; dies of an error.
sub call ($method, $params) {
    state $id = 0;
    my $answer = $api->request('POST', '/api_jsonrpc.php', headers => ['Content-Type' => 'application/json-rpc'],
        body => $json->encode({ jsonrpc => '2.0', method => $method, params => $params, id => ++$id, auth => $key }));
    my ($text) = $answer->body =~ /(\{.*\})\s*\z/s;
    my $data = $json->decode($text // die "$method: " . $answer->status . ' ' . $answer->body . "\n");
    die "$method: " . $json->encode($data->{error}) . "\n" if $data->{error};
    return $data->{result};
}

wait_for 'the API', 60, sub { eval { $key = call('user.login', { user => 'Admin', password => 'zabbix' }); 1 } || !($_ = $@) }
    or BAIL_OUT('no API: ' . $web->said);

# --- the template -----------------------------------------------------------------------------------------------

subtest 'the template' => sub {
    my $all = { createMissing => JSON::PP::true(), updateExisting => JSON::PP::true() };
    my $create = { createMissing => JSON::PP::true() };
    ok eval {
        call('configuration.import', {
            format => 'yaml', source => slurp(repo('conf/monitoring/zabbix/abswitch.yaml')),
            rules => { groups => $create, templates => $all, items => $all, discoveryRules => $all, triggers => $all,
                valueMaps => $create },
        });
    }, 'is imported' or diag $@;
};

my $group = call('hostgroup.create', { name => 'web' })->{groupids}[0];
my ($template) = call('template.get', { filter => { host => 'mod_abswitch by HTTP' } })->@*;
my $host = call('host.create', {
    host => 'web1', groups => [{ groupid => $group }], templates => [{ templateid => $template->{templateid} }],
    interfaces => [{ type => 1, main => 1, useip => 1, ip => '127.0.0.1', dns => '', port => '10050' }],
    macros => [{ macro => '{$ABSWITCH.URL}', value => $site->origin . '/abswitch-status' }],
})->{hostids}[0];

# { key => item }
sub items () { return { map { $_->{key_} => $_ } call('item.get', { hostids => $host, output => 'extend' })->@* } }

# Not only once a minute.
sub check_now () {
    my $page = items()->{'abswitch.page'}{itemid};
    eval { call('task.create', [map { { type => 6, request => { itemid => $_ } } } $page]) };
    return;
}

$site->client->get('/contact/B/') for 1 .. 30;
$site->client->get('/contact/B/broken') for 1 .. 10;
my $anna = $site->browser;
$anna->type_in('/contact');
$anna->follow;
$anna->click('/contact/A/');
$site->flip('B');

my %expect = (
    'abswitch.store.state' => 'up', 'abswitch.nodes.silent' => 0,
    'abswitch.state[contact,A]' => 'draining', 'abswitch.drain[contact,A]' => 'draining', 'abswitch.sessions[contact,A]' => 1,
    'abswitch.drain[contact,B]' => 'open', 'abswitch.in_flight[contact,B]' => 0, 'abswitch.recent[contact,B]' => 40,
    'abswitch.failed[contact,B]' => 25, 'abswitch.deadline[contact,A]' => $site->side('A')->{deadline},
);

subtest 'what the server reads' => sub {
    my $looks = 0;
    my $has;
    my $all = poll(150, sub {
        check_now() if $looks++ % 40 == 0;
        $has = items();
        !grep { !$has->{$_} || $has->{$_}{lastclock} == 0 || $has->{$_}{lastvalue} ne $expect{$_} } keys %expect;
    });
    for my $key (sort keys %expect) {
        is $has->{$key} && $has->{$key}{lastclock} ? $has->{$key}{lastvalue} : 'nothing', $expect{$key}, $key;
    }
    my @broken = map { "$_->{key_}: $_->{error}" } grep { $_->{error} ne '' } values %$has;
    is_deeply \@broken, [], 'no item complains';
    ok $has->{'abswitch.median[contact,B]'}{lastvalue} > 0, 'a median';
    is $has->{'abswitch.deadline[contact,B]'}{lastclock}, 0, 'no value of what does not apply';
    diag $zabbix->said if !$all;
};

subtest 'triggers' => sub {
    my @triggers = call('trigger.get', { hostids => $host, output => [qw(description state error)], expandDescription => JSON::PP::true() })->@*;
    my @names = sort map { $_->{description} } @triggers;
    is_deeply [grep { /contact/ } @names], [
        'contact: nobody can say whether side A is empty', 'contact: nobody can say whether side B is empty',
        'contact: side A closes within 15 minutes with people on it', 'contact: side A fails',
        'contact: side B closes within 15 minutes with people on it', 'contact: side B fails',
    ], 'for each side';
    is scalar(grep { /^mod_abswitch: / } @names), 4, 'and for the whole';
    my @broken = grep { $_ !~ /deadline|Cannot evaluate function|no data|not enough/i } map { $_->{error} } @triggers;
    is_deeply [grep { $_ ne '' } @broken], [], 'none of them cannot be evaluated, but for want of values';
};

$_->stop for $zabbix, $web, $db;
$site->log_is_clean;
done_testing;
