#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# A real Prometheus with the shipped configuration and rules, and the queries of the Grafana dashboard against it.

use v5.36;
use JSON::PP qw(decode_json);
use Test::More;
use ABSwitch::Client;
use ABSwitch::Host qw(free_port repo run slurp which);
use ABSwitch::Program;
use ABSwitch::Site;
use ABSwitch::Wait;

my $promtool = which('promtool');
my $program = which('prometheus');
plan skip_all => 'there is no prometheus' if !$promtool || !$program;

my $work = ABSwitch::Program->new(name => 'prometheus');
my $rules = $work->write('abswitch.rules.yml', slurp(repo('conf/monitoring/prometheus/abswitch.rules.yml')));
my $config = slurp(repo('conf/monitoring/prometheus/abswitch.yml'));

subtest 'as shipped' => sub {
    for my $row (
        [qw(check config), $work->write('abswitch.yml', $config)],
        [qw(check rules --lint=all --lint-fatal), $rules],
        [qw(test rules), $work->write('rules.test.yml', slurp(repo('t/monitoring/rules.yml')))],
    ) {
        my ($exit, $said) = run($promtool, @$row);
        is $exit, 0, "promtool @$row[0 .. 1]" or diag $said;
    }
};

# Whether a rule can fail to be noticed: one that never fires, or always does, fails its test.
subtest 'the rules\' tests can fail' => sub {
    my $whole = slurp($rules);
    for my $change (['\+ 0\.01\)', '+ 0.2)'], ['>= 5\)', '>= 500)'], ['< 900', '< 9'], ['for: 15m', 'for: 1m'],
        ['unless on \(instance\)', 'and on (instance)'], ['state="silent"', 'state="left"']) {
        my ($from, $to) = @$change;
        my $changed = $whole =~ s/$from/$to/r;
        isnt $changed, $whole, "$to is a change";
        $work->write('abswitch.rules.yml', $changed);
        my ($exit) = run($promtool, 'test', 'rules', $work->path('rules.test.yml'));
        isnt $exit, 0, '... that is noticed';
    }
    $work->write('abswitch.rules.yml', $whole);
};

my $site = ABSwitch::Site->new(conf => "Redirect 503 /contact/B/broken\n")->start;

subtest 'check metrics' => sub {
    my $file = $work->write('metrics', $site->client->get('/abswitch-status?format=prometheus')->body);
    my ($exit, $said) = run('sh', '-c', "exec $promtool check metrics < $file");
    is $exit, 0, 'promtool has no complaint';
    is $said, '', 'and nothing to say';
};

my $port = free_port();
my $target = '127.0.0.1:' . $site->port;
my $trial = $config =~ s/^ +- web1\.example:80$/          - "$target"/mr =~ s/^ +- web2.*\n//mr =~ s/: 15s$/: 1s/mgr;
$work->write('abswitch.yml', $trial);
$work->start($program, '--config.file=' . $work->path('abswitch.yml'), '--storage.tsdb.path=' . $work->path('data'),
    "--web.listen-address=127.0.0.1:$port");
my $api = ABSwitch::Client->new(port => $port, deadline => 5);

sub escape ($text) { return $text =~ s/([^\w.-])/sprintf '%%%02X', ord $1/ger }

sub query ($expression) {
    my $answer = $api->get('/api/v1/query?query=' . escape($expression));
    return eval { decode_json($answer->body) } // { status => $answer->status . ' ' . $answer->reason };
}

# The value of the only sample; undef if there is none, or there are more.
sub value ($expression) {
    my $result = query($expression)->{data}{result} // [];
    return @$result == 1 ? $result->[0]{value}[1] : undef;
}

wait_for 'Prometheus', 30, sub { !$work->is_running || (value('vector(1)') // '') eq '1' }
    or diag($work->said), BAIL_OUT('no Prometheus');

subtest 'a scrape' => sub {
    $site->client->get('/contact/B/') for 1 .. 9;
    $site->client->get('/contact/B/broken');
    my $anna = $site->browser;
    $anna->type_in('/contact');
    $anna->follow;
    $anna->click('/contact/A/');
    my %expect = (
        'up{job="abswitch"}' => 1,
        'abswitch_sessions{app="contact",side="A"}' => 1,
        'abswitch_responses_total{app="contact",side="B",class="2xx"}' => 9,
        'abswitch_responses_total{app="contact",side="B",class="5xx"}' => 1,
        'sum by (side) (abswitch_responses_total{side="B"})' => 10,
        'abswitch_response_seconds_count{side="B"}' => 10,
        'abswitch_response_seconds_bucket{side="B",le="+Inf"}' => 10,
        'abswitch_drain{side="A",verdict="open"}' => 1,
        'count(ALERTS{alertstate="firing"}) or vector(0)' => 0,
    );
    for my $expression (sort keys %expect) {
        wait_for $expression, 20, sub { ($_ = value($expression) // 'none') eq $expect{$expression} };
        diag "$expression: ", value($expression);
    }
    $site->client->get('/contact/B/') for 1 .. 5;
    wait_for 'a rate', 20, sub { ($_ = value('app_side:abswitch_responses:rate5m{side="B"}')) && $_ > 0 };
};

subtest 'the rules at work' => sub {
    my $all = decode_json($api->get('/api/v1/rules')->body)->{data}{groups};
    my @rules = map { $_->{rules}->@* } @$all;
    cmp_ok scalar @rules, '>=', 9, 'they are loaded';
    is_deeply [map { "$_->{name}: $_->{health} " . ($_->{lastError} // '') } grep { $_->{health} ne 'ok' } @rules], [],
        'each can be evaluated';
};

subtest 'an alert' => sub {
    $site->client->get('/contact/A/') for 1 .. 100;
    my $firing = sub () {
        $site->client->get('/contact/B/broken') for 1 .. 3;
        my $alerts = decode_json($api->get('/api/v1/alerts')->body)->{data}{alerts};
        return join ' ', map { "$_->{labels}{alertname} $_->{labels}{side}" } grep { $_->{state} =~ /pending|firing/ } @$alerts;
    };
    wait_for 'B to fail more often', 30, sub { ($_ = $firing->()) eq 'AbswitchSideFailsMore B' };
};

subtest 'the dashboard of Grafana' => sub {
    my $dashboard = decode_json(slurp(repo('conf/monitoring/grafana/abswitch.json')));
    my @panels = map { ($_, ($_->{panels} // [])->@*) } $dashboard->{panels}->@*;
    my @expressions = map { my $panel = $_; map { [$panel->{title}, $_->{expr}] } ($panel->{targets} // [])->@* } @panels;
    cmp_ok scalar @expressions, '>', 8, 'it asks';
    my $has_data = 0;
    for (@expressions) {
        my ($title, $expression) = @$_;
        $expression =~ s/\$app/contact/g;
        $expression =~ s/\$__rate_interval/1m/g;
        unlike $expression, qr/\$/, "$title: no other variable";
        my $answer = query($expression);
        is $answer->{status}, 'success', "$title: $expression" or diag explain $answer;
        $has_data++ if ($answer->{data}{result} // [])->@*;
    }
    cmp_ok $has_data, '>=', @expressions - 2, 'and most are answered with something';
};

$work->stop;
unlike $work->said, qr/level=error/, 'Prometheus saw no error';
$site->log_is_clean;

done_testing;
