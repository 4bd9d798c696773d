#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The status page: its formats and which one is answered, every field of each, and what is not let onto it.

use v5.36;
use utf8;
use Digest::SHA qw(hmac_sha256 sha256_base64);
use Encode qw(decode_utf8);
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(time);
use ABSwitch::Httpd;
use ABSwitch::Manager;
use ABSwitch::Site;
use ABSwitch::Wait;

use constant {
    HTML       => 'text/html; charset=utf-8',
    JSON       => 'application/json',
    PROMETHEUS => 'text/plain; version=0.0.4; charset=utf-8',
    TEXT       => 'text/plain; charset=utf-8',
    CHROMIUM   => 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8',
};
use constant VERDICTS => qw(pass tester visitor adopt enter bookmark cutoff closed logout prefetch launchpad deeplink
    door);

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

sub type ($r) { return scalar $r->header('Content-Type') }

# The fields of an object, by their names only.
sub fields_are ($object, $name, @fields) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_deeply [sort keys %$object], [sort @fields], "fields of $name";
}

my $site = ABSwitch::Site->new(
    app => 'ABSwitchLogout /logout',
    ABSwitch::Manager->private(<<'CONF'),
<ABSwitch wiki>
    ABSwitchLaunchpad /wiki
    ABSwitchSide old /wiki/old
    ABSwitchSide new /wiki/new
    ABSwitchSide other /elsewhere
    ABSwitchCookie abswitch_wiki path=/
</ABSwitch>
CONF
);
ABSwitch::Manager->users($site, 'alice');
$site->start;
my $started = time;
my $client = $site->client;

subtest 'history begins' => sub {
    wait_for 'the first entry', 5, sub { $_ = $site->status->{history}; @$_ };
    cmp_ok $site->status->{history}[0]{time} - $started, '<=', 5, 'within 5 s of the start';
};

subtest 'formats' => sub {
    my @rows = (
        # query, Accept, content type
        ['', undef, HTML],
        ['', '*/*', HTML],
        ['', CHROMIUM, HTML],
        ['', 'text/html', HTML],
        ['', 'application/json', JSON],
        ['', 'application/json, text/plain, */*', JSON],
        ['', 'application/json;q=0.9, text/html', HTML],
        ['', 'text/html;q=0.5, application/json;q=0.6', JSON],
        ['', 'application/json;q=0', HTML],
        ['', 'text/plain', HTML],
        ['', "\xff;;,\"", HTML],
        ['?format=html', 'application/json', HTML],
        ['?format=json', 'text/html', JSON],
        ['?format=prometheus', 'text/html', PROMETHEUS],
        ['?format=text', 'application/json', TEXT],
        ['?auto', CHROMIUM, TEXT],
        ['?auto=', undef, TEXT],
        ['?auto&format=json', undef, JSON],
        ['?format=%6a%73on', undef, JSON],
        ['?%66ormat=json', undef, JSON],
        ['?x=1&format=json&y=%zz&%zz&&x=2', undef, JSON],
        ['?refresh=off', undef, HTML],
        ['?', undef, HTML],
        ['?&&=&', undef, HTML],
    );
    for my $handler ('/abswitch-status', '/abswitch-manager') {
        for my $row (@rows) {
            my ($query, $accept, $type) = @$row;
            my $r = $client->get("$handler$query", defined $accept ? (Accept => $accept) : ());
            my $name = "$handler$query" . (defined $accept ? ", Accept: $accept" : '');
            is $r->status . ' ' . type($r), "200 $type", decode_utf8($name, Encode::FB_DEFAULT);
        }
    }
};

subtest 'headers' => sub {
    for my $format (qw(html json prometheus text)) {
        my $r = $client->get("/abswitch-status?format=$format");
        is scalar $r->header('Cache-Control'), 'no-store', "$format: Cache-Control";
        is scalar $r->header('X-Content-Type-Options'), 'nosniff', "$format: nosniff";
        is scalar $r->header('Vary'), 'Accept', "$format: Vary";
        is scalar $r->header('Content-Length'), length $r->body, "$format: Content-Length";
        is scalar(my @policies = $r->header('Content-Security-Policy')), $format eq 'html' ? 1 : 0,
            "$format: Content-Security-Policy";

        my $head = $client->head("/abswitch-status?format=$format");
        is $head->status, 200, "HEAD $format";
        is $head->body, '', "HEAD $format has no body";
        is type($head), type($r), "HEAD $format: Content-Type";
        cmp_ok scalar $head->header('Content-Length'), '>', 100, "HEAD $format: Content-Length";
        is scalar $head->header('Cache-Control'), 'no-store', "HEAD $format: Cache-Control";
    }
    # The one whose length does not depend on the moment.
    my $path = '/abswitch-status?format=prometheus';
    is scalar $client->head($path)->header('Content-Length'), length $client->get($path)->body,
        'HEAD has the length of GET';
};

subtest 'what cannot be answered' => sub {
    my @rows = (
        ['?format=xml', 400], ['?format=', 400], ['?format', 400], ['?format=JSON', 400], ['?format=json%00', 400],
        ['?format=json%20', 400], ['?format=%zz', 400], ['?format=' . 'x' x 7000, 400],
        ['?format=json&format=json', 400], ['?format=json&format=text', 400], ['?app=contact&app=wiki', 400],
        ['?app=nope&format=xml', 400],
        ['?app=', 404], ['?app', 404], ['?app=nope', 404], ['?app=Contact', 404], ['?app=contact%00', 404],
        ['?app=contact%20', 404], ['?app=contact/', 404], ['?app=..%2fcontact', 404], ['?app=%zz', 404],
        ['?app=%', 404], ['?app=%ff%fe', 404], ['?app=' . 'contact' x 1000, 404], ['?app=*', 404],
        ['?app=%0d%0aX-Evil:1', 404], ['?app=%3Cscript%3Ealert(1)%3C/script%3E', 404], ["?app='%22%3E", 404],
    );
    for my $row (@rows) {
        my ($query, $status) = @$row;
        my $r = $client->get("/abswitch-status$query");
        my $name = substr $query, 0, 50;
        is $r->status, $status, $name;
        is type($r), TEXT, "$name: plain text";
        like $r->body, qr/\A[^\n<>]+\.\n\z/, "$name: a sentence";
        unlike $r->raw, qr/script|evil/i, "$name: nothing of the query comes back";
        is scalar $r->header('Cache-Control'), 'no-store', "$name: not stored";
        is $client->head("/abswitch-status$query")->status, $status, "HEAD $name";
    }
    for my $method (qw(POST PUT DELETE OPTIONS PATCH PROPFIND get post BREW)) {
        for my $handler ('/abswitch-status', '/abswitch-manager') {
            my $posts = $handler =~ /manager/ ? 1 : 0;
            next if $posts && $method eq 'POST';
            my $r = $client->request($method, $handler, body => 'x=1');
            is $r->status, 405, "$method $handler";
            my %allowed = map { $_ => 1 } split /,\s*/, $r->header('Allow');
            ok $allowed{GET} && $allowed{HEAD} && !$allowed{$method}, "$method $handler: Allow";
            is $allowed{POST} // 0, $posts, "$method $handler: Allow: POST";
            is scalar $r->header('Cache-Control'), 'no-store', "$method $handler: not stored";
        }
    }
};

# Somebody is on A and stays there when the switch goes to B with a note that would like to be markup.
my $anna = $site->browser;
$anna->type_in('/contact');
$anna->follow;
$anna->click('/contact/A/');
my $before = time;
$site->flip('A=25 B=75 gen=1 by=%3Cb%3Eeve note=%3Cscript%3Ealert%281%29%3C/script%3E%22%26');
my $bo = $site->browser;
$site->flip('B');
$bo->type_in('/contact/B/');
$bo->click('/contact/B/');
my $after = time;

# A request is counted, and flies no more, when its last byte is out.
wait_for 'all of that to be over', 5, sub {
    my $app = $site->status;
    my ($node) = $app->{nodes}->@*;
    $_ = join ' ', $app->{verdicts}{pass}, (map { $node->{$_}->@{qw(A B)} } qw(sessions in_flight)),
        map { $_->{in_flight} } $app->{sides}->@*;
    $_ eq '3 1 1 0 0 0 0';
};

subtest 'JSON' => sub {
    my $from = time;
    my $r = $client->get('/abswitch-status?format=json&app=contact');
    my $whole = $r->json;
    fields_are $whole, 'the whole', qw(schema module node time store apps);
    is $whole->{schema}, 1, 'schema';
    is $whole->{module}, '0.1.0', 'module';
    like $whole->{node}, qr/\A[\w.-]+:\d+\z/, 'node';
    ok $whole->{time} >= $from - 0.01 && $whole->{time} <= time + 0.01, 'time' or diag "$from $whole->{time}";
    fields_are $whole->{store}, 'store', qw(type state epoch servers);
    is_deeply [$whole->{store}->@{qw(type state servers)}], ['local', 'up', []], 'the local store';
    like $whole->{store}{epoch}, qr/\A[0-9a-f]+\z/, 'epoch';

    my ($app) = $whole->{apps}->@*;
    fields_are $app, 'an application', qw(app launchpad switch sides nodes verdicts history log);
    is_deeply [$app->@{qw(app launchpad)}], ['contact', '/contact'], 'the application';

    my $switch = $app->{switch};
    fields_are $switch, 'the switch', qw(generation weights closed at by note);
    is_deeply [$switch->@{qw(generation weights closed by note)}], [2, { A => 0, B => 1 }, [], 'file', ''],
        'the switch';
    cmp_ok $switch->{at}, '>=', int $before, 'the switch is not older than it is';
    cmp_ok $switch->{at}, '<=', $after, 'nor younger';

    my ($a, $b) = $app->{sides}->@*;
    fields_are $_, "side $_->{side}", qw(side path state drain reason sessions exact testers in_flight draining_since
        deadline empty_if_idle responses) for $a, $b;
    fields_are $a->{responses}, 'responses', qw(2xx 3xx 4xx 5xx median p95 seconds recent);
    fields_are $a->{responses}{seconds}, 'seconds', qw(sum buckets);
    fields_are $a->{responses}{recent}, 'recent responses', qw(2xx 3xx 4xx 5xx median p95);
    is_deeply [$a->@{qw(side path state sessions testers in_flight)}], ['A', '/contact/A', 'draining', 1, 0, 0],
        'a draining side';
    ok $a->{exact}, 'counted exactly';
    is $a->{draining_since}, $switch->{at}, 'draining since the flip';
    is $a->{deadline}, $switch->{at} + 8 * 3600, 'until its deadline';
    cmp_ok abs($a->{empty_if_idle} - $before - 1800), '<', 30, 'empty if nobody clicks';
    is_deeply [$b->@{qw(side path state drain reason sessions testers in_flight draining_since deadline)}],
        ['B', '/contact/B', 'open', 'open', '', 1, 0, 0, undef, undef], 'an open side';

    is scalar $app->{nodes}->@*, 1, 'one node';
    my ($node) = $app->{nodes}->@*;
    fields_are $node, 'a node', qw(node state generation age sessions in_flight);
    is_deeply [$node->@{qw(node state generation sessions in_flight)}],
        [$whole->{node}, 'live', 2, { A => 1, B => 1 }, { A => 0, B => 0 }], 'the node';
    cmp_ok $node->{age}, '<', 60, 'its age';

    fields_are $app->{verdicts}, 'verdicts', VERDICTS;
    is_deeply [$app->{verdicts}->@{qw(launchpad enter pass bookmark door)}], [1, 1, 3, 0, 0], 'verdicts';

    my ($entry) = $app->{history}->@*;
    fields_are $entry, 'an entry of the history', qw(time sessions);
    is_deeply [sort keys $entry->{sessions}->%*], ['A', 'B'], 'a number for every side';
    cmp_ok $entry->{time} - $started, '<=', 5, 'from the start';

    is_deeply [map { $_->{generation} } $app->{log}->@*], [2, 1], 'the log, newest first';
    my ($second, $first) = $app->{log}->@*;
    fields_are $_, 'an entry of the log', qw(generation at by note from to) for $second, $first;
    is_deeply [$second->@{qw(by note from to at)}],
        ['file', '', { A => 25, B => 75 }, { A => 0, B => 1 }, $switch->{at}], 'the second flip';
    is_deeply [$first->@{qw(by note from to)}],
        ['<b>eve', '<script>alert(1)</script>"&', { A => 1, B => 0 }, { A => 25, B => 75 }], 'the first one';
};

subtest 'JSON as it is written' => sub {
    my $text = $client->get('/abswitch-status?format=json&app=contact')->body;
    my $keys = sub ($indent) { my %seen; [grep { !$seen{$_}++ } $text =~ /^ {$indent}"(\w+)":/mg] };
    is_deeply $keys->(2), [qw(schema module node time store apps)], 'the order of fields';
    is_deeply $keys->(6), [qw(app launchpad switch sides nodes verdicts history log)], 'of an application';
    my ($side) = $text =~ /^ {6}"sides": \[\n {8}\{\n(.*?)\n {8}\}/ms;
    is_deeply [$side =~ /^ {10}"(\w+)":/mg], [qw(side path state drain reason sessions exact testers in_flight
        draining_since deadline empty_if_idle responses)], 'of a side';
    like $text, qr/"time": \d{10}\.\d+,/, 'the time has a fraction';
    like $text, qr/"sessions": 1,\n/, 'a count is a number';
    like $text, qr/"at": \d{10},\n/, 'a moment is a whole number';
    like $text, qr/"exact": true,\n/, 'a flag';
    like $text, qr/"age": \d+\.\d+,\n/, 'an age is a fraction';
    like $text, qr/\}\n\z/, 'the end';
};

subtest 'before any record' => sub {
    my $switch = $site->status('wiki')->{switch};
    is_deeply $switch,
        { generation => 0, weights => { old => 1, new => 0, other => 0 }, closed => [], at => undef, by => 'default',
            note => '' }, 'the switch';
    my ($old, $new, $other) = $site->status('wiki')->{sides}->@*;
    is_deeply [$new->@{qw(side state draining_since deadline empty_if_idle)}],
        ['new', 'draining', undef, undef, undef], 'a side without weight has no deadline';
    is $other->{path}, '/elsewhere', 'sides in their order';
};

subtest 'one application, or all' => sub {
    my $apps = sub ($query) {
        my $whole = $client->get("/abswitch-status?format=json$query")->json;
        return [map { $_->{app} } $whole->{apps}->@*];
    };
    is_deeply [sort $apps->('')->@*], ['contact', 'wiki'], 'all';
    is_deeply $apps->('&app=wiki'), ['wiki'], 'one';
    is_deeply $apps->('&app=%77%69ki'), ['wiki'], 'one, encoded';
    unlike $client->get('/abswitch-status?auto&app=wiki')->body, qr/^contact\./m, 'in the text';
    unlike $client->get('/abswitch-status?format=prometheus&app=wiki')->body, qr/app="contact"/, 'in the metrics';
    unlike $client->get('/abswitch-status?app=wiki')->body, qr{/contact}, 'on the page';
};

subtest 'text' => sub {
    my $text = $client->get('/abswitch-status?auto')->body;
    my @lines = split /\n/, $text;
    is_deeply [grep { !/\A[^\s:][^\s]*: \S?/ } @lines], [], 'every line is "key: value"';
    my %value;
    my @twice = grep { $value{ s/: .*//r }++ } @lines;
    is_deeply \@twice, [], 'no key comes twice';
    %value = map { /\A(\S+): (.*)\z/ ? ($1 => $2) : () } @lines;
    is_deeply {
        %value{qw(store store_state contact.generation contact.weights contact.A.state contact.A.sessions
            contact.A.exact contact.B.sessions contact.B.draining_since contact.verdict.launchpad wiki.at wiki.trouble)}
    }, {
        store => 'local', store_state => 'up', 'contact.generation' => 2, 'contact.weights' => 'A=0 B=1',
        'contact.A.state' => 'draining', 'contact.A.sessions' => 1, 'contact.A.exact' => 'yes',
        'contact.B.sessions' => 1, 'contact.B.draining_since' => 'none', 'contact.verdict.launchpad' => 1,
        'wiki.at' => 'none', 'wiki.trouble' => 'none',
    }, 'values';
    is scalar(grep { /\Acontact\.verdict\./ } @lines), scalar(my @all = VERDICTS), 'every verdict';
};

subtest 'Prometheus' => sub {
    my $text = $client->get('/abswitch-status?format=prometheus')->body;
    like $text, qr/\n\z/, 'the last line ends';
    my (%help, %type, %value, $family, @odd);
    for my $line (split /\n/, $text) {
        if ($line =~ /\A# HELP (abswitch_[a-z_]+) \S.*\z/) {
            $help{$1}++;
        }
        elsif ($line =~ /\A# TYPE (abswitch_[a-z_]+) (?:gauge|counter|histogram)\z/) {
            $type{ $family = $1 }++;
        }
        elsif (my ($sample, $number) = $line =~ /\A(\w+\{[a-z]+="[^"\\]*"(?:,[a-z]+="[^"\\]*")*\}) (\d+(?:\.\d{6})?)\z/) {
            push @odd, $line if $sample !~ /\A\Q$family\E(?:_bucket|_sum|_count)?\{/ || exists $value{$sample};
            $value{$sample} = $number;
        }
        else {
            push @odd, $line;
        }
    }
    is_deeply \@odd, [], 'every line is one of the format, a sample below its own family and only once';
    my %once = map { $_ => 1 } qw(abswitch_sessions abswitch_testers abswitch_in_flight_requests abswitch_side_state
        abswitch_drain abswitch_switch_generation abswitch_switch_weight abswitch_nodes abswitch_store_up
        abswitch_verdicts_total abswitch_responses_total abswitch_response_seconds abswitch_deadline_timestamp_seconds);
    is_deeply \%help, \%once, 'HELP once for every family';
    is_deeply \%type, \%once, 'TYPE once for every family';

    my $A = 'app="contact",side="A"';
    is_deeply {
        %value{
            "abswitch_sessions{$A}", "abswitch_testers{$A}", "abswitch_in_flight_requests{$A}",
            "abswitch_switch_weight{$A}", 'abswitch_switch_generation{app="contact"}',
            'abswitch_nodes{app="contact",state="live"}', 'abswitch_nodes{app="contact",state="silent"}',
            'abswitch_verdicts_total{app="contact",verdict="launchpad"}',
        }
    }, {
        "abswitch_sessions{$A}" => 1, "abswitch_testers{$A}" => 0, "abswitch_in_flight_requests{$A}" => 0,
        "abswitch_switch_weight{$A}" => 0, 'abswitch_switch_generation{app="contact"}' => 2,
        'abswitch_nodes{app="contact",state="live"}' => 1, 'abswitch_nodes{app="contact",state="silent"}' => 0,
        'abswitch_verdicts_total{app="contact",verdict="launchpad"}' => 1,
    }, 'values';
    is_deeply { map { $_ => $value{"abswitch_side_state{$A,state=\"$_\"}"} } qw(open draining closed) },
        { open => 0, draining => 1, closed => 0 }, 'one state is 1, the others are 0';
    my %drain = map { $_ => $value{"abswitch_drain{$A,verdict=\"$_\"}"} } qw(open draining drained unknown);
    is join('', sort values %drain), '0001', 'so is one verdict of a drain';
    is $value{"abswitch_deadline_timestamp_seconds{$A}"}, $site->side('A')->{deadline}, 'a deadline';
    ok !exists $value{'abswitch_deadline_timestamp_seconds{app="contact",side="B"}'}, 'an open side has none';
    is scalar(grep { /abswitch_verdicts_total\{app="wiki"/ } keys %value), scalar(my @all = VERDICTS),
        'every verdict of every application';
};

# Every element is closed where it should be: what an unescaped word would break.
sub unbalanced ($html) {
    my %void = map { $_ => 1 } qw(meta);
    my (@open, @odd);
    $html =~ s{(<style>).*?(</style>)}{$1$2}s;
    while ($html =~ m{<(/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+="[^"<>]*")*)(/?)>|(<(?!!DOCTYPE html>).{0,40})}g) {
        if (defined $5) {
            push @odd, "not a tag: $5";
        }
        elsif ($1) {
            my $last = pop @open // 'nothing';
            push @odd, "</$2> after <$last>" if $last ne $2;
        }
        elsif (!$4 && !$void{$2}) {
            push @open, $2;
        }
    }
    return (@odd, map { "<$_> is not closed" } @open);
}

subtest 'the page' => sub {
    my $r = $client->get('/abswitch-status');
    my $html = decode_utf8($r->body, Encode::FB_CROAK);
    is_deeply [unbalanced($html)], [], 'every element ends';
    my %ids;
    $ids{$_}++ for $html =~ / id="([^"]*)"/g;
    is_deeply [grep { $ids{$_} > 1 } keys %ids], [], 'no id comes twice';
    my @labels = map { split / / } $html =~ / aria-labelledby="([^"]*)"/g;
    is_deeply [grep { !$ids{$_} } @labels], [], 'every label is there';

    unlike $html, qr/<script|<b>eve| style="|javascript:| on[a-z]+="/i,
        'no markup of others, no script, no inline style';
    like $html, qr{<td>&lt;b&gt;eve</td><td class="say">&lt;script&gt;alert\(1\)&lt;/script&gt;&quot;&amp;</td>},
        'who and why, as they wrote it';

    my ($style) = $html =~ m{<style>(.*?)</style>}s;
    my $hash = sha256_base64($style) . '=';
    is scalar $r->header('Content-Security-Policy'),
        "default-src 'none'; style-src 'sha256-$hash'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        'its policy lets in the style it has, and nothing else';

    like $html, qr{<title>contact: A draining 1, B open 1; wiki: }, 'the title says how it stands';
    like $html, qr{New sessions land on <b>B</b>\.}, 'where new sessions go';
    like $html, qr{Generation 2, flipped at <time datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ">[^<]+</time>},
        'since when';
    like $html, qr{No flip yet: this is the configured default\.}, 'or that it never was';
    like $html, qr{<span class="badge draining">.{1,60}draining</span>}, 'a state in words';
    like $html, qr{<p class="count"><b>1</b> session</p>}, 'a count';
    my $then = qr{<dd><time [^>]+>[^<]+</time> <span class="soft">};
    like $html, qr{<dt>Deadline</dt>$then\(in (8 h|7 h 59 min)\)}, 'a deadline';
    like $html, qr{<dt>Empty if nobody clicks</dt>$then\(in (2\d|30) min}, 'empty if nobody clicks';
    like $html, qr{<td>A=25 B=75 → B</td>}, 'the log';
    like $html, qr{<th scope="row">$_</th><td class="n">\d+</td>}, "verdict $_" for VERDICTS;
    is scalar(() = $html =~ /<svg class="chart"/g), 4, 'two charts for each application';
    like $html, qr{<desc id="a0-hour-d">A: \d+ at the end, between \d+ and \d+, highest at \d\d:\d\d\. B: },
        'in words';
    like $html, qr{<path class="line s0" d="M[\d.]+ [\d.]+[^"]*"/>}, 'a curve';
    my @points = map { /[ML]([\d.]+) ([\d.]+)/g } $html =~ /<path class="line s\d+" d="(M[^"H]+)"/g;
    is scalar(grep { $_ % 2 ? $points[$_] < 18 || $points[$_] > 160 : $points[$_] < 40 || $points[$_] > 472 }
        0 .. $#points), 0, 'within its frame';
    like $html, qr{<title>Generation 2, \d\d:\d\d:\d\d</title><path class="flip"}, 'a flip in the chart';
};

subtest 'refreshing' => sub {
    my $page = sub ($query) { $client->get("/abswitch-status$query")->body };
    my $refresh = qr{<meta http-equiv="refresh" content="5">};
    like $page->(''), $refresh, 'by itself';
    like $page->(''), qr{<a href="\?refresh=off">Stop refreshing</a>}, 'until stopped';
    unlike $page->('?refresh=off'), $refresh, 'stopped';
    like $page->('?refresh=off'), qr{<a href="\?">Refresh every 5 s</a>}, 'until wanted again';
    like $page->('?app=wiki'), qr{<a href="\?app=wiki&amp;refresh=off">}, 'the links keep the application';
    like $page->('?app=wiki&refresh=off'),
        qr{<a href="\?app=wiki">Refresh.*<a href="\?app=wiki&amp;format=json">}, 'all of them';
};

# The manager's key, made a second time from its description.
sub form_key ($issued, $user) {
    my $key = hmac_sha256('mod_abswitch/1 csrf', pack 'H*', ABSwitch::Site::SECRET);
    return "k.$issued." . unpack 'H32', hmac_sha256($issued, hmac_sha256($user, $key));
}

subtest 'the form key' => sub {
    my $status = $client->get('/abswitch-status?format=json')->body;
    unlike $status, qr/csrf/, 'the status page has none';
    my $whole = $client->get('/abswitch-manager?format=json')->json;
    fields_are $whole, 'the manager', qw(schema module node time csrf store apps);
    my ($issued) = $whole->{csrf} =~ /\Ak\.(\d+)\./;
    cmp_ok abs($issued - time), '<', 60, 'it is made now';
    is $whole->{csrf}, form_key($issued, ''), 'for nobody';

    is $client->get('/private?format=json')->status, 401, 'a manager behind a login';
    my $mine = $client->get('/private?format=json', Authorization => 'Basic ' . encode_base64('alice:password', ''))
        ->json->{csrf};
    is $mine, form_key($mine =~ s/\Ak\.|\.\w+\z//gr, 'alice'), 'for the user';
};

subtest 'a switch that cannot be taken' => sub {
    $site->expect_log(qr/abswitch:\w+\].*contact.*not taken/);
    $site->write_switch('B <script>');
    my $value = sub { ($client->get('/abswitch-status?auto')->body =~ /^contact\.trouble: (.*)$/m)[0] };
    wait_for 'the trouble to show', 5, sub { $_ = $value->(); $_ ne 'none' };
    like $value->(), qr/B <script>.*generation 2/, 'what and what is in force';
    my $html = $client->get('/abswitch-status')->body;
    like $html, qr{<p class="alert"><b>Trouble with the switch:</b> [^<]*B &lt;script&gt;}, 'on the page, escaped';
    is $site->status->{switch}{generation}, 2, 'nothing changed';
    $site->flip('A');
    is $value->(), 'none', 'the next good one repairs it';
};

subtest 'a server without applications' => sub {
    my $httpd = ABSwitch::Httpd->new(name => 'bare', conf => <<'CONF')->start;
<Location /s>
    SetHandler abswitch-status
</Location>
<Location /m>
    SetHandler abswitch-manager
</Location>
CONF
    my $bare = $httpd->client;
    for my $path ('/s', '/m') {
        my $whole = $bare->get("$path?format=json")->json;
        is_deeply [$whole->@{qw(schema module apps)}], [1, '0.1.0', []], "$path: no application";
        is_deeply $whole->{store}, { type => 'local', state => 'up', epoch => undef, servers => [] },
            "$path: the store";
        like $whole->{node}, qr/\A[\w.-]+:@{[$httpd->port]}\z/, "$path: the node";
        is $bare->get("$path?app=contact")->status, 404, "$path: no such application";
        is $bare->get("$path?auto")->status, 200, "$path: text";
        like $bare->get($path)->body, qr/No application is configured/, "$path: the page says so";
    }
    $httpd->log_is_clean;
};

$site->log_is_clean;
done_testing;
