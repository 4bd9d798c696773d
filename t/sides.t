#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Requests below a side: every row of the decision table with its neighbours, through a real httpd.

use v5.36;
use Test::More;
use ABSwitch::Ask;
use ABSwitch::Sides;
use ABSwitch::Site;

my @TO_B = (headers => ['X-Route' => 'B']);
my @TO_E = (headers => ['X-Route' => 'E']);
my @PREFETCH = (headers => ['Sec-Purpose' => 'prefetch']);

# --- the table, with every MPM --------------------------------------------------------------------------------

for my $mpm (ABSwitch::Httpd->mpms) {
    subtest "the table: $mpm" => sub {
        my $site = setup(site(mpm => $mpm));
        my @children = sort { $a <=> $b } $site->children;
        table($site);
        is_deeply [grep { !kill 0, $_ } @children], [], 'no child has died' if $mpm ne 'prefork';
        $site->log_is_clean;
    };
}

sub table ($site) {
    rows $site, 'row 1: not below a side',
        ['another path', { at => '/other.html', token => 'A' }, { status => 404, verdict => undef, side => undef }],
        ['a longer name', { at => '/contact/AB', as => 'script' }, { status => 404, verdict => undef }],
        ['another case', { at => '/contact/a/', as => 'script' }, { status => 404, verdict => undef }];

    rows $site, 'row 2: prefetch', map({ my ($name, $ask) = @$_; [$name, { @PREFETCH, %$ask },
        refused(503, 'prefetch')] }
        ['that would get a cookie (enter)', { at => '/contact/A/' }],
        ['that would get a cookie (adopt)', { at => '/contact/B/', from => 'inside' }],
        ['that would be redirected (draining)', { at => '/contact/B/' }],
        ['that would be redirected (bookmark)', { at => '/contact/B/', token => 'A' }],
        ['that would be redirected (closed)', { at => '/contact/C/', token => 'A' }],
        ['that would be refused (closed)', { at => '/contact/C/', as => 'script' }],
        ['that would be redirected (cut-off)', { at => '/contact/A/', token => 'A old' }],
        ['that would be refused (cut-off)', { at => '/contact/A/', as => 'script', token => 'A old' }],
        ['that would log out', { at => '/contact/A/logout.shtml', token => 'A' }],
        ['by HEAD', { at => '/contact/A/', method => 'HEAD' }],
        ['a prerender', { at => '/contact/A/', headers => ['Sec-Purpose' => 'prefetch;prerender'] }],
    ), (
        ['of a page of the session passes', { at => '/contact/A/', token => 'A', @PREFETCH }, passed('A', 'pass')],
        ['of a visitor passes', { at => '/contact/B/', token => 'A', from => 'inside', @PREFETCH },
            passed('B', 'visitor')],
        ['of a tester passes', { at => '/contact/C/', token => 'C tester', @PREFETCH }, passed('C', 'tester')],
        ['by a script passes', { at => '/contact/B/', as => 'script', @PREFETCH }, passed('B', 'pass')],
        ['another purpose is none', { at => '/contact/A/', headers => ['Sec-Purpose' => 'xprefetch'] },
            passed('A', 'enter', cookie => 'A')],
    );

    my $out = sub ($side, %more) { passed($side, 'logout', cookie => 'gone', others => cleared($side), %more) };
    rows $site, 'row 3: logout',
        ['of a live session', { at => '/contact/A/logout.shtml', token => 'A' }, $out->('A', like => qr/A logout/)],
        ['the second path', { at => '/contact/A/bye/bye.shtml', token => 'A' }, $out->('A')],
        ['with a query', { at => '/contact/A/logout.shtml?why=x', token => 'A' }, $out->('A')],
        ['with ;parameters', { at => '/contact/A/logout.shtml;jsessionid=0', token => 'A' },
            $out->('A', status => 404)],
        ['by POST', { at => '/contact/A/logout.shtml', as => 'form', token => 'A' }, $out->('A')],
        ['by a script', { at => '/contact/A/logout.shtml', as => 'script', token => 'A' }, $out->('A')],
        ['by HEAD', { at => '/contact/A/logout.shtml', method => 'HEAD', token => 'A' }, $out->('A')],
        ['by another method', { at => '/contact/A/logout.shtml', method => 'DELETE', token => 'A' },
            $out->('A', status => 405)],
        ['on a draining side', { at => '/contact/B/logout.shtml', token => 'B' }, $out->('B')],
        ['on a closed side', { at => '/contact/C/logout.shtml', token => 'C' }, $out->('C')],
        ['on another side', { at => '/contact/B/logout.shtml', token => 'A' },
            $out->('B', others => cleared('A', 'B'))],
        ['of a session past its time', { at => '/contact/A/logout.shtml', token => 'A old' }, $out->('A')],
        ['of a tester', { at => '/contact/A/logout.shtml', token => 'A tester' }, $out->('A')],
        ['of nobody', { at => '/contact/A/logout.shtml' }, $out->('A')],
        ['of nobody, from inside', { at => '/contact/B/logout.shtml', from => 'inside' }, $out->('B')],
        ['a path below it is none', { at => '/contact/A/logout.shtml/x', token => 'A' },
            { status => 404, verdict => 'pass' }],
        ['a longer one is none', { at => '/contact/A/logout.shtmlx', token => 'A' },
            { status => 404, verdict => 'pass' }],
        ['one deeper is none', { at => '/contact/A/x/logout.shtml', token => 'A' },
            { status => 404, verdict => 'pass' }];

    my $cut = sub ($side, $expect) { return { %$expect, cookie => 'gone', others => cleared($side) } };
    my $expired = '/contact?abswitch=expired';
    rows $site, 'row 4: cut-off',
        ['nav: 302 to exactly the launchpad', { at => '/contact/A/page.html?x=1', token => 'A old' },
            $cut->('A', moved($expired, 'cutoff', side => 'A'))],
        ['by HEAD', { at => '/contact/A/', token => 'A old', method => 'HEAD' },
            $cut->('A', moved($expired, 'cutoff'))],
        ['from inside', { at => '/contact/A/', token => 'A old', from => 'inside' },
            $cut->('A', moved($expired, 'cutoff'))],
        ['form POST: 303', { at => '/contact/A/env.shtml?x=1', as => 'form', token => 'A old' },
            $cut->('A', moved($expired, 'cutoff', status => 303))],
        ['a script: 403 with its reason', { at => '/contact/A/', as => 'script', token => 'A old' },
            $cut->('A', refused(403, 'cutoff', reason => 'cutoff'))],
        ['its POST too', { at => '/contact/A/env.shtml', as => 'save', token => 'A old' },
            $cut->('A', refused(403, 'cutoff', reason => 'cutoff'))],
        ['a tester', { at => '/contact/A/', token => 'A old tester' }, $cut->('A', moved($expired, 'cutoff'))],
        ['on a draining side', { at => '/contact/B/', token => 'B old' }, $cut->('B', moved($expired, 'cutoff'))],
        ['on another side than its own', { at => '/contact/B/', token => 'A old' },
            { %{ moved($expired, 'cutoff') }, cookie => 'gone', others => cleared('A', 'B') }],
        ['comes before a closed side', { at => '/contact/C/', token => 'C old' },
            $cut->('C', moved($expired, 'cutoff'))],
        ['and its refusal', { at => '/contact/C/', token => 'C old', as => 'script' },
            $cut->('C', refused(403, 'cutoff', reason => 'cutoff'))];

    rows $site, "row 5: tester's token for this side",
        ['closed', { at => '/contact/C/', token => 'C tester' }, passed('C', 'tester')],
        ['open', { at => '/contact/A/', token => 'A tester', from => 'foreign' }, passed('A', 'tester')],
        ['a script on a closed side', { at => '/contact/C/', as => 'script', token => 'C tester' },
            passed('C', 'tester')],
        ['a form', { at => '/contact/C/env.shtml', as => 'form', token => 'C tester' }, passed('C', 'tester')];

    my $gone = '/contact?abswitch=closed';
    rows $site, 'row 6: side closed',
        ['nav: 302, same rest, to the live session\'s side', { at => '/contact/C/x/y.html?q=1', token => 'B' },
            moved('/contact/B/x/y.html?q=1', 'closed', side => 'C')],
        ['from inside too', { at => '/contact/C/x', token => 'B', from => 'inside' }, moved('/contact/B/x', 'closed')],
        ['to the current side with a new token', { at => '/contact/C/x?q=1' },
            moved('/contact/A/x?q=1', 'closed', cookie => 'A')],
        ['to the current side by its route', { at => '/contact/C/x', @TO_B },
            moved('/contact/B/x', 'closed', cookie => 'B')],
        ['its own sessions are none', { at => '/contact/C/x', token => 'C', from => 'inside' },
            moved('/contact/A/x', 'closed', cookie => 'A')],
        ['by HEAD', { at => '/contact/C/', method => 'HEAD', token => 'C' },
            moved('/contact/A/', 'closed', cookie => 'A')],
        ['without a slash', { at => '/contact/C', token => 'A' }, moved('/contact/A', 'closed')],
        ['form POST: 303', { at => '/contact/C/save?x=1', as => 'form', token => 'C' },
            moved($gone, 'closed', status => 303)],
        ['of a live session too', { at => '/contact/C/save', as => 'form', token => 'A' },
            moved($gone, 'closed', status => 303)],
        ['a script: 403 with its reason', { at => '/contact/C/', as => 'script', token => 'C' },
            refused(403, 'closed', reason => 'closed')],
        ['of a live session elsewhere too', { at => '/contact/C/', as => 'script', token => 'A' },
            refused(403, 'closed', reason => 'closed')],
        ['its POST', { at => '/contact/C/', as => 'save' }, refused(403, 'closed', reason => 'closed')],
        ['no browser', { at => '/contact/C/', as => 'plain' }, refused(403, 'closed', reason => 'closed')],
        ["a tester of another side goes there", { at => '/contact/C/x', token => 'B tester' },
            moved('/contact/B/x', 'closed')];

    rows $site, 'row 7: not nav',
        ['no session', { at => '/contact/A/', as => 'script' }, passed('A', 'pass')],
        ['no session, draining', { at => '/contact/B/', as => 'script', from => 'foreign' }, passed('B', 'pass')],
        ['a session of another side, from outside',
            { at => '/contact/B/', as => 'script', token => 'A', from => 'foreign' },
            passed('B', 'pass')],
        ['a form', { at => '/contact/B/env.shtml', as => 'form', from => 'foreign' }, passed('B', 'pass')],
        ['no browser', { at => '/contact/B/', as => 'plain' }, passed('B', 'pass')],
        ['a session on this side', { at => '/contact/B/', as => 'script', token => 'B' }, passed('B', 'pass')];

    rows $site, 'row 8a: live session on this side, whatever the headers say',
        map { ["$_->[0]", { at => '/contact/B/page.html', token => 'B', $_->[1]->%* }, passed('B', 'pass')] }
        (map { [$_, { from => $_ }] } qw(typed inside launchpad foreign noreferrer nowhere)),
        ['a route', { @TO_E }], ['HEAD', { method => 'HEAD' }];

    rows $site, 'row 8b: live session on another side, inside',
        ['draining', { at => '/contact/B/', token => 'A', from => 'inside' }, passed('B', 'visitor')],
        ['open', { at => '/contact/E/', token => 'B', from => 'inside' }, passed('E', 'visitor')],
        ['without a Referer', { at => '/contact/B/', token => 'A', from => 'noreferrer' }, passed('B', 'visitor')],
        ['a tester', { at => '/contact/B/', token => 'C tester', from => 'inside' }, passed('B', 'visitor')];

    rows $site, 'row 9: live session on another side, from outside',
        ['typed', { at => '/contact/A/page.html?q=1', token => 'B' },
            moved('/contact/B/page.html?q=1', 'bookmark', side => 'A')],
        ['draining', { at => '/contact/B/', token => 'A' }, moved('/contact/A/', 'bookmark')],
        ['of another site', { at => '/contact/A/', token => 'B', from => 'foreign' }, moved('/contact/B/', 'bookmark')],
        ['the launchpad is outside', { at => '/contact/A/', token => 'B', from => 'launchpad' },
            moved('/contact/B/', 'bookmark')],
        ['nothing tells', { at => '/contact/A/', token => 'B', from => 'nowhere' }, moved('/contact/B/', 'bookmark')],
        ['HEAD', { at => '/contact/A/', token => 'B', method => 'HEAD' }, moved('/contact/B/', 'bookmark')],
        ["a tester, to a closed side", { at => '/contact/A/x', token => 'C tester' },
            moved('/contact/C/x', 'bookmark')],
        ["a route changes nothing", { at => '/contact/A/', token => 'B', @TO_E }, moved('/contact/B/', 'bookmark')];

    rows $site, 'row 10: no session, inside',
        ['draining', { at => '/contact/B/page.html', from => 'inside' }, passed('B', 'adopt', cookie => 'B')],
        ['open', { at => '/contact/A/', from => 'inside' }, passed('A', 'adopt', cookie => 'A')],
        ['without a Referer', { at => '/contact/B/', from => 'noreferrer' }, passed('B', 'adopt', cookie => 'B')],
        ['HEAD', { at => '/contact/B/', from => 'inside', method => 'HEAD' }, passed('B', 'adopt', cookie => 'B')],
        ['a session of a closed side is none', { at => '/contact/B/', from => 'inside', token => 'C' },
            passed('B', 'adopt', cookie => 'B')],
        ['a route changes nothing', { at => '/contact/B/', from => 'inside', @TO_E },
            passed('B', 'adopt', cookie => 'B')];

    rows $site, 'row 11: no session, from outside, side open or current',
        ['current', { at => '/contact/A/' }, passed('A', 'enter', cookie => 'A')],
        ['open', { at => '/contact/E/page.html' }, passed('E', 'enter', cookie => 'E')],
        ['open, another one is current by a route', { at => '/contact/A/', @TO_E },
            passed('A', 'enter', cookie => 'A')],
        ['draining, but current by a route', { at => '/contact/B/', @TO_B }, passed('B', 'enter', cookie => 'B')],
        ['of another site', { at => '/contact/A/', from => 'foreign' }, passed('A', 'enter', cookie => 'A')],
        ['from the launchpad', { at => '/contact/A/', from => 'launchpad' }, passed('A', 'enter', cookie => 'A')],
        ['a session of a closed side is none', { at => '/contact/A/', token => 'C' },
            passed('A', 'enter', cookie => 'A')],
        ['HEAD', { at => '/contact/A/', method => 'HEAD' }, passed('A', 'enter', cookie => 'A')];

    rows $site, 'row 12: no session, from outside, side draining',
        ['typed', { at => '/contact/B/page.html?q=1' },
            moved('/contact/A/page.html?q=1', 'bookmark', cookie => 'A', side => 'B')],
        ['without a slash', { at => '/contact/B' }, moved('/contact/A', 'bookmark', cookie => 'A')],
        ['of another site', { at => '/contact/B/', from => 'foreign' },
            moved('/contact/A/', 'bookmark', cookie => 'A')],
        ['from the launchpad', { at => '/contact/B/', from => 'launchpad' },
            moved('/contact/A/', 'bookmark', cookie => 'A')],
        ['to the current side by its route', { at => '/contact/B/', @TO_E },
            moved('/contact/E/', 'bookmark', cookie => 'E')],
        ['HEAD', { at => '/contact/B/', method => 'HEAD' }, moved('/contact/A/', 'bookmark', cookie => 'A')];
}

# --- what a request is, and where it comes from ---------------------------------------------------------------

subtest 'nav, form POST, inside' => sub {
    my $site = setup(site(conf => <<'CONF'));
<ABSwitch named>
    ABSwitchLaunchpad /named
    ABSwitchSide A /named/A
    ABSwitchSide B /named/B
    ABSwitchOrigin https://App.Example. http://two.example:8080
</ABSwitch>
CONF
    $site->write("htdocs/named/$_/index.html", "$_\n") for qw(A B);
    my $html = 'text/html,*/*;q=0.8';

    # On the draining side nav goes to A and everything else passes.
    my $nav = sub ($is, $name, @headers) {
        asked $site, $name, { at => '/contact/B/', as => 'plain', headers => [@headers] },
            $is ? moved('/contact/A/', 'bookmark', cookie => 'A') : passed('B', 'pass');
    };
    $nav->(1, 'navigate', 'Sec-Fetch-Mode' => 'navigate');
    $nav->(1, 'navigate, of anything', 'Sec-Fetch-Mode' => 'navigate', Accept => '*/*');
    $nav->(1, 'no Sec-Fetch-Mode, and HTML', Accept => $html);
    $nav->(1, 'HTML in other letters', Accept => 'TEXT/HTML');
    $nav->(1, 'HTML behind others', Accept => 'application/xml;q=0.9, text/html;q=0.5');
    $nav->(0, '*/* alone does not name HTML', Accept => '*/*');
    $nav->(0, 'text/* does not', Accept => 'text/*');
    $nav->(0, 'a longer type is another', Accept => 'text/html-sandboxed');
    $nav->(0, 'no Accept at all');
    $nav->(0, 'another mode', 'Sec-Fetch-Mode' => 'cors', Accept => $html);
    $nav->(0, 'no mode at all is not navigate', 'Sec-Fetch-Mode' => '', Accept => '*/*');
    $nav->(0, 'X-Requested-With', 'Sec-Fetch-Mode' => 'navigate', 'X-Requested-With' => 'XMLHttpRequest');
    $nav->(0, 'X-Requested-With without Fetch Metadata', Accept => $html, 'X-Requested-With' => 'x');
    $nav->(0, 'Upgrade', 'Sec-Fetch-Mode' => 'navigate', Upgrade => 'websocket', Connection => 'Upgrade, close');
    $nav->(0, 'Upgrade without Connection', Accept => $html, Upgrade => 'h2c');

    # On the closed side a form is redirected and everything else that is no nav refused.
    my $form = sub ($is, $name, $type, @headers) {
        my @said = @headers ? @headers : ('Sec-Fetch-Mode' => 'navigate');
        asked $site, $name, { at => '/contact/C/', as => 'plain', method => 'POST',
            headers => ['Content-Type' => $type, @said] },
            $is ? moved('/contact?abswitch=closed', 'closed', status => 303)
            : refused(403, 'closed', reason => 'closed');
    };
    $form->(1, 'urlencoded', 'application/x-www-form-urlencoded');
    $form->(1, 'multipart', 'multipart/form-data; boundary=x');
    $form->(1, 'plain text', 'text/plain');
    $form->(1, 'a parameter', 'application/x-www-form-urlencoded; charset=UTF-8');
    $form->(1, 'other letters', 'Application/X-WWW-Form-Urlencoded');
    $form->(1, 'an old browser', 'application/x-www-form-urlencoded', Accept => $html);
    $form->(0, 'JSON', 'application/json');
    $form->(0, 'no type', undef);
    $form->(0, 'a script', 'application/x-www-form-urlencoded', 'Sec-Fetch-Mode' => 'cors', Accept => $html);
    $form->(0, 'an old script', 'application/x-www-form-urlencoded', Accept => '*/*');
    $form->(0, 'X-Requested-With', 'text/plain', 'Sec-Fetch-Mode' => 'navigate', 'X-Requested-With' => 'x');

    # On the draining side a newcomer from inside stays.
    my $own = $site->origin;
    my $inside = sub ($is, $name, %headers) {
        asked $site, $name, { at => '/contact/B/', from => 'nowhere', headers => [%headers] },
            $is ? passed('B', 'adopt', cookie => 'B') : moved('/contact/A/', 'bookmark', cookie => 'A');
    };
    my @same = ('Sec-Fetch-Site' => 'same-origin');
    $inside->(1, 'a Referer below a side', Referer => "$own/contact/B/page.html");
    $inside->(1, 'below another side', Referer => "$own/contact/E/");
    $inside->(1, 'below a closed side', Referer => "$own/contact/C/x");
    $inside->(1, 'with a query', Referer => "$own/contact/A/x?y=/contact");
    $inside->(1, 'though Sec-Fetch-Site says none', Referer => "$own/contact/A/x", 'Sec-Fetch-Site' => 'none');
    $inside->(1, 'no more than / with same-origin', Referer => "$own/", @same);
    $inside->(1, 'an origin with an own Origin', Referer => $own, Origin => $own);
    $inside->(1, 'none with same-origin', @same);
    $inside->(1, 'none with an own Origin', Origin => $own);
    $inside->(1, 'an empty one with same-origin', Referer => '', @same);
    $inside->(0, 'no more than / alone', Referer => "$own/");
    $inside->(0, 'none at all');
    $inside->(0, 'none with same-site', 'Sec-Fetch-Site' => 'same-site');
    $inside->(0, 'none with none', 'Sec-Fetch-Site' => 'none');
    $inside->(0, 'the launchpad', Referer => "$own/contact", @same);
    $inside->(0, 'the launchpad with a slash', Referer => "$own/contact/", @same);
    $inside->(0, 'a page beside the sides', Referer => "$own/contact/AB/", @same);
    $inside->(0, 'another application', Referer => "$own/named/A/", @same);
    $inside->(0, 'another path', Referer => "$own/x", @same, Origin => $own);
    $inside->(0, 'another site', Referer => 'http://other.example/contact/A/');
    $inside->(0, 'another port', Referer => 'http://127.0.0.1:1/contact/A/');
    $inside->(0, 'another scheme', Referer => $own =~ s/http/https/r . '/contact/A/');
    $inside->(0, 'an Origin null', Origin => 'null');
    $inside->(0, 'an Origin of another port', Origin => 'http://127.0.0.1:1');

    my $named = sub ($is, $referer, @host) {
        asked $site, "ABSwitchOrigin: $referer", { at => '/named/B/', app => 'named', from => 'nowhere',
            headers => [Referer => $referer, @host] },
            $is ? passed('B', 'adopt', cookie => 'B') : moved('/named/A/', 'bookmark', cookie => 'A');
    };
    $named->(1, 'https://app.example/named/A/');
    $named->(1, 'https://APP.example.:443/named/A/');
    $named->(1, 'http://two.example:8080/named/A/');
    $named->(0, 'http://app.example/named/A/');
    $named->(0, 'https://app.example:8443/named/A/');
    $named->(0, 'http://two.example/named/A/');
    $named->(0, "$own/named/A/");
    $named->(0, 'https://evil.example/named/A/', Host => 'evil.example');
    $site->log_is_clean;
};

# --- the same rest --------------------------------------------------------------------------------------------

subtest 'same rest' => sub {
    my $site = setup(site());
    for my $row (
        ['', ''], ['/', '/'], ['/a/b/', '/a/b/'], ['/a%20b', '/a%20b'], ['/%C3%A9', '/%C3%A9'],
        ['/a;v=1/b', '/a;v=1/b'],
        ['/%2541', '/%2541'], ['/a%3Fb', '/a%3Fb'], ['/a%23b', '/a%23b'], ["/a'b(c)*~!\$", "/a'b(c)*~!\$"],
        ['/a?q=%2F&r=a%20b', '/a?q=%2F&r=a%20b'], ['/a?', '/a'], ['/a?a=1&abswitch=x', '/a?a=1'],
        ['//a///b', '/a/b'], ['/a/./b/../c', '/a/c'], ['/%61', '/a'], ['/a+b', '/a+b'], ['/a@b:c', '/a@b:c'],
        ['/%22%3C%3E', '/%22%3C%3E'], ['/a?x=1?y=2', '/a?x=1?y=2'],
    ) {
        my ($asked, $kept) = @$row;
        my $r = ask($site, at => "/contact/B$asked");
        is $r->location, "/contact/A$kept", "of a newcomer: $asked";
        is ask($site, at => "/contact/C$asked", token => 'A')->location, "/contact/A$kept", "of a closed side: $asked";
    }
    $site->log_is_clean;
};

# --- once per request -----------------------------------------------------------------------------------------

subtest 'sub-requests and internal redirects are untouched' => sub {
    my $site = setup(site(conf => <<'CONF'));
ErrorDocument 404 /contact/B/page.html
<Directory "${ROOT}/htdocs/contact/A/rewritten">
    RewriteEngine On
    RewriteRule ^(.*)\.x$ /contact/B/page.html [L]
</Directory>
CONF
    $site->write('htdocs/contact/A/include.shtml',
        '<!--#include virtual="/contact/B/page.html" -->|<!--#include virtual="/contact/C/page.html" -->|' . "\n");
    $site->write('htdocs/contact/A/rewritten/keep', '');
    my $token = token_text('A');
    my @cases = (
        ['an index page', { at => '/contact/A/sub/', token => $token }, passed('A', 'pass', like => qr{A sub/index})],
        ['one of a newcomer', { at => '/contact/A/sub/' }, passed('A', 'enter', cookie => 'A')],
        ['an error page below another side', { at => '/contact/A/none.html', token => $token },
            { status => 404, verdict => 'pass', side => 'A', like => qr/B page/ }],
        ['an error page of a newcomer', { at => '/contact/A/none.html' },
            { status => 404, verdict => 'enter', side => 'A', cookie => 'A', like => qr/B page/ }],
        ['an error page of a path of nobody', { at => '/none.html' },
            { status => 404, verdict => undef, like => qr/B page/ }],
        ['includes, even of a closed side', { at => '/contact/A/include.shtml', token => $token },
            passed('A', 'pass', like => qr/B page.html\n\|C page.html/)],
        ['a rewritten path', { at => '/contact/A/rewritten/page.x', token => $token },
            passed('A', 'pass', like => qr/B page/)],
    );
    for my $case (@cases) {
        my ($name, $ask, $expect) = @$case;
        my $verdict = $expect->{verdict};
        verdicts_rise $site, "counted once: $name", { $verdict ? ($verdict => 1) : () }, sub { asked $site, @$case };
    }
    sessions_are $site, 'one session, on one side', { A => 1, B => 0, C => 0, E => 0 };
    $site->log_is_clean;
};

# --- ABSwitchBookmarks ----------------------------------------------------------------------------------------

subtest 'ABSwitchBookmarks' => sub {
    my $site = ABSwitch::Site->new;
    $site->set_conf(join '', map { app_block($site, $_, <<"CONF", qw(A B E)) } qw(current off));
ABSwitchBookmarks $_
ABSwitchRoute E "%{HTTP:X-Route} == 'E'"
CONF
    $site->start;
    $site->flip('A=1000000 B=0 E=1', $_) for qw(current off);
    my @now = (app => 'current');
    my $anna = witness($site, 'B', 'current');
    sessions_are $site, 'a session', { A => 0, B => 1 }, 'current';
    ask($site, @now, at => '/current/E/', token => $anna);
    sessions_are $site, 'ends when it is sent to the current side', { A => 0, B => 0 }, 'current';
    $anna = witness($site, 'B', 'current');
    ask($site, @now, at => '/current/A/', token => $anna);
    sessions_are $site, 'or passes there', { A => 0, B => 0 }, 'current';
    rows $site, 'current',
        ['row 9: to the current side with a new token', { @now, at => '/current/E/x?q', token => 'B' },
            moved('/current/A/x?q', 'bookmark', cookie => 'A')],
        ['by its route', { @now, at => '/current/A/x', token => 'B', @TO_E },
            moved('/current/E/x', 'bookmark', cookie => 'E')],
        ['the side asked for is current: it passes with a new token', { @now, at => '/current/A/', token => 'B' },
            passed('A', 'enter', cookie => 'A')],
        ['even from the current side', { @now, at => '/current/B/', token => 'A' },
            moved('/current/A/', 'bookmark', cookie => 'A')],
        ['a visitor is one', { @now, at => '/current/B/', token => 'A', from => 'inside' }, passed('B', 'visitor')],
        ['a session stays on its side', { @now, at => '/current/B/', token => 'B' }, passed('B', 'pass')],
        ['row 12 as ever', { @now, at => '/current/B/' }, moved('/current/A/', 'bookmark', cookie => 'A')],
        ['row 11 as ever', { @now, at => '/current/E/' }, passed('E', 'enter', cookie => 'E')];
    my @off = (app => 'off');
    rows $site, 'off',
        ['row 9 passes as row 8', { @off, at => '/off/A/', token => 'B' }, passed('A', 'visitor')],
        ['draining too', { @off, at => '/off/B/', token => 'A', from => 'foreign' }, passed('B', 'visitor')],
        ['row 12 as row 11', { @off, at => '/off/B/' }, passed('B', 'enter', cookie => 'B')],
        ['row 11 as ever', { @off, at => '/off/A/' }, passed('A', 'enter', cookie => 'A')],
        ['row 10 as ever', { @off, at => '/off/B/', from => 'inside' }, passed('B', 'adopt', cookie => 'B')];
    $site->flip('A=1 B=0 E=0 gen=20 at=' . time . ' by=test closed=B', 'off');
    asked $site, 'a closed side is closed', { @off, at => '/off/B/x' }, moved('/off/A/x', 'closed', cookie => 'A');
    $site->log_is_clean;
};

done_testing;
