#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The scripts for Munin, Ganglia and Cacti, run by hand against a real httpd: what they print, and what they say where
# there is nothing to print. t/monitoring/ runs them in the programs they are for.

use v5.36;
use Test::More;
use ABSwitch::Host qw(free_port repo run which);
use ABSwitch::Site;
use ABSwitch::Wait;

plan skip_all => 'there is no curl' if !which('curl');

my $site = ABSwitch::Site->new(conf => <<'CONF')->start;
Redirect 503 /contact/B/broken
Alias /html ${ROOT}/htdocs/contact/A/index.html
<ABSwitch my-wiki_2>
    ABSwitchLaunchpad /wiki
    ABSwitchSide old-1 /wiki/old
    ABSwitchSide new /wiki/new
</ABSwitch>
CONF
my $url = $site->origin . '/abswitch-status';
my $anna = $site->browser;
$anna->type_in('/contact');
$anna->follow;
$anna->click('/contact/A/');
$site->client->get('/contact/B/') for 1 .. 3;
$site->client->get('/contact/B/broken');
poll(5, sub { my $r = $site->side('B')->{responses}; $r->{'2xx'} + $r->{'5xx'} == 4 });
my $nowhere = 'http://127.0.0.1:' . free_port() . '/';

sub munin (%o) {
    local $ENV{url} = $o{url} // $url;
    return run(repo('conf/monitoring/munin/abswitch'), $o{mode} // ());
}

# { graph => { field => value } }
sub graphs ($text) {
    my (%graph, $name);
    for (split /\n/, $text) {
        /^multigraph (\w+)$/ ? ($name = $1) : /^(\S+) (.*)$/ ? ($graph{$name // ''}{$1} = $2) : fail("odd: $_");
    }
    return \%graph;
}

subtest 'Munin' => sub {
    my ($exit, $said) = munin();
    is $exit, 0, 'values' or diag $said;
    my $values = graphs($said);
    my ($ok, $config) = munin(mode => 'config');
    is $ok, 0, 'config';
    my $labels = graphs($config);
    is_deeply [sort keys %$values], [sort keys %$labels], 'the same graphs';
    for my $graph (sort keys %$labels) {
        is_deeply [sort map { s/\.value//r } keys $values->{$graph}->%*],
            [sort map { /(.*)\.label/ ? $1 : () } keys $labels->{$graph}->%*], "$graph: a value for each label";
        is_deeply [grep { !/\A[A-Za-z_]\w*\.value\z/ } keys $values->{$graph}->%*], [], '... under a name that Munin takes';
        is_deeply [grep { !/\A(?:U|\d+(?:\.\d+)?)\z/ } values $values->{$graph}->%*], [], '... that is a number';
    }
    is $values->{abswitch_sessions}{'s_contact_A.value'}, 1, 'sessions';
    is $values->{abswitch_responses}{'s_contact_B.value'}, 4, 'responses';
    is $values->{abswitch_failed}{'s_contact_B.value'}, 25, 'per cent that failed';
    is $values->{abswitch_failed}{'s_my__wiki_2_old__1.value'}, 'U', 'of none it is not known';
    is $values->{abswitch_unknown}{'s_contact_A.value'}, 0, 'nothing is unknown';
    is $labels->{abswitch_sessions}{'s_my__wiki_2_old__1.label'}, 'my-wiki_2 old-1', 'a label';
    is((munin(mode => 'autoconf'))[1], "yes\n", 'autoconf');
    is_deeply [munin(mode => 'autoconf', url => $nowhere)], [0, "no (no status page at $nowhere)\n"], 'autoconf without';
    is((munin(mode => 'what'))[0], 2, 'another argument');
};

sub ganglia (@args) { return run(repo('conf/monitoring/ganglia/abswitch-gmetric'), @args) }

subtest 'Ganglia' => sub {
    my ($exit, $said) = ganglia('-n', '-u', $url);
    is $exit, 0, 'told' or diag $said;
    my %value = $said =~ /^(\S+) (\S+) \w+$/mg;
    is_deeply [grep { !/\A\S+ \d+(?:\.\d+)? \w+\z/ } split /\n/, $said], [], 'names, numbers and units';
    is_deeply { %value{map { "abswitch_contact_$_" } qw(A_sessions A_unknown B_responses B_failed)} },
        { abswitch_contact_A_sessions => 1, abswitch_contact_A_unknown => 0, abswitch_contact_B_responses => 4,
            abswitch_contact_B_failed => 1 }, 'values';
    ok exists $value{abswitch_contact_B_median}, 'a median';
    ok !exists $value{'abswitch_my-wiki_2_new_median'}, 'and none where there is none';
    is((ganglia('-x'))[0], 2, 'another option');
    is((ganglia('what'))[0], 2, 'an argument');
};

sub cacti (@args) { return run(repo('conf/monitoring/cacti/abswitch-cacti'), @args) }

subtest 'Cacti' => sub {
    my ($exit, $said) = cacti($url, 'contact', 'B');
    is $exit, 0, 'values' or diag $said;
    like $said, qr/\A(?:\w+:(?:U|\d+(?:\.\d+)?) ?)+\n\z/, 'name:value';
    my %value = $said =~ /(\w+):(\S+)/g;
    is_deeply [sort keys %value], [sort qw(sessions testers in_flight unknown responses failed median_ms p95_ms)], 'fields';
    is_deeply [@value{qw(sessions unknown responses failed)}], [0, 0, 4, 1], 'values';
    like +(cacti($url, 'my-wiki_2', 'old-1'))[1], qr/ responses:0 failed:0 median_ms:U p95_ms:U$/, 'no responses';
    for my $row (
        [2, qr/\Ausage: /], [2, qr/\Ausage: /, $url], [2, qr/another name/, $url, 'con/tact', 'B'], [2, qr/another name/, $url, 'contact', '$(id)'],
        [1, qr/404/, $url, 'nobody', 'A'], [1, qr/no such side/, $url, 'contact', 'C'],
    ) {
        my ($status, $words, @args) = @$row;
        my ($exit, $said) = cacti(@args);
        is $exit, $status, "status $status: @args";
        like $said, $words, '... and why';
    }
};

subtest 'no server, no page, no status page' => sub {
    for my $row (['no server', $nowhere, qr/curl: \(7\)/], ['no page', $site->origin . '/none', qr/404/],
        ['another page', $site->origin . '/html', qr/no status page|no such side/],
        ['another scheme', 'file:///etc/passwd', qr/curl: \(1\)/], ['an option', '-o/tmp/x', qr/curl: \(/]) {
        my ($name, $at, $why) = @$row;
        for (['munin', munin(url => $at)], ['ganglia', ganglia('-n', '-u', $at)], ['cacti', cacti($at, 'contact', 'A')]) {
            my ($program, $exit, $said) = @$_;
            is $exit, 1, "$program: $name";
            like $said, $why, '... is said';
            unlike $said, qr/value|^\S+:\d/m, '... and nothing else';
        }
    }
};

$site->log_is_clean;
done_testing;
