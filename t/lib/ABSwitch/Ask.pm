# SPDX-License-Identifier: Apache-2.0
# Requests and answers in the words of the decision table, so that a test is a row.
#
#     asked $site, 'a bookmark of a draining side', { at => '/contact/B/x?q', token => 'A' },
#         moved('/contact/A/x?q', 'bookmark');
#     asked $site, 'a typed address', { at => '/contact/A/' }, passed('A', 'enter', cookie => 'A');
#
# What is asked (all optional but `at`):
#     at        path and query
#     as        nav (a browser goes there), form (it posts one), script (fetch), save (fetch with a body), plain (says
#               nothing about itself)
#     from      typed, inside (a page of side A), page of the launchpad (launchpad), another site (foreign), a link
#               with rel=noreferrer, nowhere (no header tells)
#     token     side, perhaps with "old" (login nine hours ago) and "tester"; or a token itself
#     app       the application that token and answer are of (contact)
#     method, headers (in place of those of that name; undef leaves one out), body
#
# What is expected: status, to (Location), verdict, side, cookie (what the token's cookie becomes: a side, "A
# tester", "gone"), reason (ABSwitch-Reason), cache (Cache-Control), others (cookies that are not the token's:
# "NAME gone PATH"), and like, a pattern for the body. Not naming to, cookie, reason or others expects none.

package ABSwitch::Ask;
use v5.36;
use Exporter qw(import);
use Test::More ();
use ABSwitch::Site;
use ABSwitch::Token;
use ABSwitch::Wait qw(poll);

our @EXPORT = qw(ask asked seen passed moved refused token_text verdicts_rise sessions_are witness app_block);

my $HTML = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
my %AS = (
    nav    => ['GET', Accept => $HTML, 'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'document'],
    form   => ['POST', Accept => $HTML, 'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'document',
        'Content-Type' => 'application/x-www-form-urlencoded'],
    script => ['GET', Accept => '*/*', 'Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty'],
    save   => ['POST', Accept => '*/*', 'Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty',
        'Content-Type' => 'application/x-www-form-urlencoded'],
    plain  => ['GET'],
);

sub _from ($site, $app, $from) {
    my $own = $site->origin;
    my %from = (
        typed      => ['Sec-Fetch-Site' => 'none'],
        inside     => ['Sec-Fetch-Site' => 'same-origin', Referer => "$own/$app/A/page.html"],
        launchpad  => ['Sec-Fetch-Site' => 'same-origin', Referer => "$own/$app"],
        foreign    => ['Sec-Fetch-Site' => 'cross-site', Referer => 'http://other.example/'],
        noreferrer => ['Sec-Fetch-Site' => 'same-origin'],
        nowhere    => [],
    );
    return $from{$from}->@*;
}

sub token_text ($said, $app = 'contact') {
    return $said if $said !~ /\A[\w-]+(?: old| tester)*\z/;
    my ($side) = split / /, $said;
    return make_token(
        secret => ABSwitch::Site::SECRET, app => $app, side => $side,
        login => time - ($said =~ / old/ ? 9 * 3600 : 5), flags => $said =~ / tester/ ? 't' : '-');
}

sub ask ($site, %o) {
    my $app = $o{app} // 'contact';
    my $kind = $o{as} // 'nav';
    my ($method, %headers) = $AS{$kind}->@*;
    %headers = (%headers, $kind eq 'plain' ? () : _from($site, $app, $o{from} // 'typed'));
    $headers{Cookie} = "abswitch_$app=" . token_text($o{token}, $app) if defined $o{token};
    my @said = @{ $o{headers} // [] };
    delete @headers{ grep { my $name = $_; grep { lc $name eq lc $said[$_ * 2] } 0 .. @said / 2 - 1 } keys %headers };
    $method = $o{method} // $method;
    return ($o{client} // $site->client)->request($method, $o{at},
        headers => [(map { $_ => $headers{$_} } sort keys %headers), @said],
        body => $o{body} // ($method eq 'POST' ? 'name=anna' : undef));
}

# A response in the words of an expectation.
sub seen ($response, $app = 'contact') {
    my @cookies = map { _cookie($_, $app) } $response->cookies;
    return {
        status  => $response->status,
        to      => scalar $response->location,
        verdict => join('+', $response->header('X-Verdict')) || undef,
        side    => join('+', $response->header('X-Side')) || undef,
        cookie  => join(', ', grep { !/ at / } @cookies) || undef,
        others  => join(', ', sort map { s/ at / /r } grep { / at / } @cookies) || undef,
        reason  => scalar $response->header('ABSwitch-Reason'),
        cache   => join(', ', $response->header('Cache-Control')) || undef,
        allow   => join(', ', sort map { split /\s*,\s*/ } $response->header('Allow')) || undef,
    };
}

sub _cookie ($cookie, $app) {
    my $gone = defined $cookie->{ends} && $cookie->{ends} <= time;
    return "$cookie->{name} " . ($gone ? 'gone' : $cookie->{value}) . ' at ' . ($cookie->{path} // 'no path')
        if $cookie->{name} ne "abswitch_$app";
    return 'gone' if $gone;
    my $token = read_token($cookie->{value}, secret => ABSwitch::Site::SECRET, app => $app)
        // return "no token: $cookie->{value}";
    return 'a token with a wrong time' if abs($token->{login} - time) > 60;
    return $token->{side} . ($token->{flags} eq 't' ? ' tester' : '');
}

# Asks and compares; returns the response.
sub asked ($site, $name, $ask, $expect) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $response = ask($site, %$ask);
    my $seen = seen($response, $ask->{app} // 'contact');
    my %expect = (to => undef, cookie => undef, reason => undef, others => undef, %$expect);
    my $like = delete $expect{like};
    my %got = map { $_ => $seen->{$_} } keys %expect;
    Test::More::is_deeply(\%got, \%expect, $name)
        or Test::More::diag("$name: ", $response->raw =~ s/\r\n\r\n.*//sr);
    Test::More::like($response->body, $like, "$name: the body") if $like;
    return $response;
}

# Expectations: the application answers; the module redirects; it refuses.
sub passed ($side, $verdict, %more) {
    return { status => 200, side => $side, verdict => $verdict, %more };
}

sub moved ($to, $verdict, %more) {
    return { status => 302, to => $to, verdict => $verdict, cache => 'no-store', %more };
}

sub refused ($status, $verdict, %more) {
    return { status => $status, verdict => $verdict, cache => 'no-store', %more };
}

# A test point: the application's verdict totals rise by exactly these numbers while the block runs. They are
# read when they have come to rest, for a request may be counted after it was answered.
sub verdicts_rise ($site, $name, $expected, $block, $app = 'contact') {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $before = _at_rest($site, $app);
    $block->();
    my %rise;
    my $look = sub {
        my $now = $site->status($app)->{verdicts};
        %rise = map { $_ => $now->{$_} - $before->{$_} } grep { $now->{$_} != $before->{$_} } keys %$now;
        return join(',', map { "$_=$rise{$_}" } sort keys %rise)
            eq join ',', map { "$_=$expected->{$_}" } sort keys %$expected;
    };
    poll(2, $look) && _at_rest($site, $app) && $look->();
    return Test::More::is_deeply(\%rise, $expected, $name);
}

sub _at_rest ($site, $app) {
    my ($now, $last) = ({}, '');
    poll(5, sub {
        $now = $site->status($app)->{verdicts};
        my $text = join ',', map { "$_=$now->{$_}" } sort keys %$now;
        my $rests = $text eq $last;
        $last = $text;
        return $rests;
    });
    return $now;
}

# A test point: these sides have that many sessions, as soon as the node says so; "Xt" counts X's testers.
sub sessions_are ($site, $name, $expected, $app = 'contact') {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my %got;
    poll(5, sub {
        for my $side ($site->status($app)->{sides}->@*) {
            @got{ $side->{side}, "$side->{side}t" } = @$side{qw(sessions testers)};
        }
        return !grep { ($got{$_} // -1) != $expected->{$_} } keys %$expected;
    });
    return Test::More::is_deeply({ map { $_ => $got{$_} } keys %$expected }, $expected, $name);
}

# A new session on that side, seen once, for telling "not counted" from "not counted yet": what came before it
# would show when it does.
sub witness ($site, $side, $app = 'contact') {
    my $token = token_text($side, $app);
    ask($site, at => "/$app/$side/", as => 'script', token => $token, app => $app);
    return $token;
}

# Configuration of one more application, launchpad /NAME, and its files.
sub app_block ($site, $name, $directives, @sides) {
    @sides = qw(A B) if !@sides;
    for my $side (@sides) {
        $site->write("htdocs/$name/$side/index.html", "<!doctype html><title>$side</title><h1>side $side</h1>\n");
        $site->write("htdocs/$name/$side/env.shtml", '<!--#printenv -->');
    }
    $directives = "ABSwitchLaunchpad /$name\n$directives" if $directives !~ /ABSwitchLaunchpad/;
    return join "\n", "<ABSwitch $name>", (map { "ABSwitchSide $_ /$name/$_" } @sides), $directives, "</ABSwitch>\n";
}

1;
