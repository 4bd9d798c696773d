#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The tester's door: who may take it, where it leads, and what a tester's token is worth.

use v5.36;
use Test::More;
use ABSwitch::Ask;
use ABSwitch::Site;
use ABSwitch::Wait;

my @YES = (headers => ['X-Tester' => 'yes']);

# contact's door is outside of its cookie's path, inner's is inside; C is closed in both.
sub site (%o) {
    my $site = ABSwitch::Site->new(
        sides => [qw(A B C)], app => "ABSwitchOverride /contact-test \"%{HTTP:X-Tester} == 'yes'\"\n"
            . 'ABSwitchRoute B "%{HTTP:X-Route} == \'B\'"', %o);
    $site->set_conf(app_block($site, 'inner', <<'CONF', qw(A B C)));
ABSwitchOverride /inner/door "%{HTTP:X-Tester} == 'yes'"
CONF
    $site->start;
    $site->flip('A=1 B=0 C=0 gen=3 at=' . time . ' by=test closed=C', $_) for qw(contact inner);
    return $site;
}

for my $mpm (ABSwitch::Httpd->mpms) {
    subtest "the door: $mpm" => sub {
        my $site = site(mpm => $mpm);
        door($site);
        $site->log_is_clean;
    };
}

sub door ($site) {
    my $in = sub ($to, $side, %more) { moved($to, 'door', side => $side, cookie => "$side tester", %more) };
    my @rows = (
        ['302 to the side with a tester\'s token', '/B/page.html', { @YES }, $in->('/contact/B/page.html', 'B')],
        ['for the current side', '/A/', { @YES }, $in->('/contact/A/', 'A')],
        ['for a closed side', '/C/x/y', { @YES }, $in->('/contact/C/x/y', 'C')],
        ['the query is kept', '/B/x?a=1&abswitch=2', { @YES }, $in->('/contact/B/x?a=1', 'B')],
        ['in place of a session', '/B/x', { @YES, token => 'A' }, $in->('/contact/B/x', 'B')],
        ["in place of another tester's", '/B/x', { @YES, token => 'C tester' }, $in->('/contact/B/x', 'B')],
        ['by HEAD', '/B/x', { @YES, method => 'HEAD' }, $in->('/contact/B/x', 'B')],
        ['for no browser', '/B/x', { @YES, as => 'plain' }, $in->('/contact/B/x', 'B')],
        ['an encoded rest', '/B/a%20b%2541;c', { @YES }, $in->('/contact/B/a%20b%2541;c', 'B')],
        ['false: 403', '/B/x', {}, refused(403, 'door')],
        ['false, for an unknown side: 403', '/X/x', {}, refused(403, 'door')],
        ['false, for no side: 403', '', {}, refused(403, 'door')],
        ['false, for a closed side: 403', '/C/', {}, refused(403, 'door')],
        ["false, though one has a tester's token: 403", '/B/', { token => 'B tester' }, refused(403, 'door')],
        ['true, an unknown side: 404', '/X/x', { @YES }, refused(404, 'door')],
        ['true, another case: 404', '/b/x', { @YES }, refused(404, 'door')],
        ['true, a longer name: 404', '/AB', { @YES }, refused(404, 'door')],
        ['true, no side: 404', '', { @YES }, refused(404, 'door')],
        ['true, a slash: 404', '/', { @YES }, refused(404, 'door')],
        ['a prefetch: 503', '/B/x', { headers => ['X-Tester' => 'yes', 'Sec-Purpose' => 'prefetch'] },
            refused(503, 'prefetch')],
    );
    for my $row (@rows) {
        my ($name, $rest, $ask, $expect) = @$row;
        asked $site, $name, { at => "/contact-test$rest", %$ask }, $expect;
    }
    for my $at ('/contact-test/B', '/contact-test/B/') {
        my $r = ask($site, at => $at, @YES);
        like $r->location, qr{\A/contact/B/?\z}, "no rest: the top of the side ($at)";
        is seen($r)->{cookie}, 'B tester', 'with the token';
    }
    unlike ask($site, at => '/contact-test/B/%2e%2e/%2e%2e/contact/A/x', @YES)->location // '', qr{/A|\.\.|//},
        'a rest that climbs does not leave the door';
    is ask($site, at => '/contact-tests/B/x', @YES)->header('X-Verdict'), undef, 'a longer name is not the door';

    my $off = sub (%more) { moved('/contact', 'door', %more) };
    asked $site, '/off needs no EXPR and goes to the launchpad', { at => '/contact-test/off' },
        $off->(cookie => 'gone');
    asked $site, 'with its query', { at => '/contact-test/off?a=1' }, $off->(cookie => 'gone', to => '/contact?a=1');
    asked $site, 'where the cookie cannot be seen any token is dropped',
        { at => '/contact-test/off', from => 'nowhere' },
        $off->(cookie => 'gone');
    asked $site, 'on an own page\'s word too', { at => '/contact-test/off', from => 'noreferrer' },
        $off->(cookie => 'gone');
    for my $afar (qw(cross-site same-site)) {
        asked $site, "but not on another's: $afar",
            { at => '/contact-test/off', headers => ['Sec-Fetch-Site' => $afar] }, $off->();
    }
    asked $site, 'a prefetch of it: 503', { at => '/contact-test/off', headers => ['Sec-Purpose' => 'prefetch'] },
        refused(503, 'prefetch');

    my @inner = (app => 'inner');
    asked $site, "off drops a tester's token", { @inner, at => '/inner/door/off', token => 'B tester' },
        moved('/inner', 'door', cookie => 'gone');
    asked $site, 'for another site as well', { @inner, at => '/inner/door/off', token => 'B tester',
        from => 'foreign' },
        moved('/inner', 'door', cookie => 'gone');
    asked $site, "an ordinary session is not a tester's", { @inner, at => '/inner/door/off', token => 'B' },
        moved('/inner', 'door');
    asked $site, 'a door below the launchpad', { @inner, at => '/inner/door/B/x', @YES, token => 'A' },
        moved('/inner/B/x', 'door', side => 'B', cookie => 'B tester');
    asked $site, 'is no deep link', { @inner, at => '/inner/door/B/x' }, refused(403, 'door');
    return;
}

subtest 'a tester' => sub {
    my $site = site();
    my $anna = $site->browser;
    $anna->type_in('/contact');
    $anna->follow;
    sessions_are $site, 'an ordinary session', { A => 1, At => 0 };
    $anna->type_in('/contact-test/C/', @YES);
    is $anna->follow->header('X-Verdict'), 'tester', 'passes though the side is closed';
    is $anna->cookie('abswitch_contact') =~ /\.C\.t\./, 1, 'with the one token';
    sessions_are $site, 'is counted apart', { C => 0, Ct => 1 };
    $anna->type_in('/contact');
    is $anna->follow->header('X-Side'), 'C', 'beats stickiness and a closed side at the launchpad too';
    $anna->type_in('/contact', headers => ['X-Route' => 'B']);
    is $anna->follow->header('X-Side'), 'C', 'and routes';
    is $anna->type_in('/contact/A/page.html')->location, '/contact/C/page.html',
        'elsewhere it is a session like any other';
    is $anna->click('/contact/A/')->header('X-Verdict'), 'visitor', 'inside too';
    is $anna->fetch('/contact/A/')->header('X-Verdict'), 'pass', 'and for a script';

    $anna->type_in('/contact-test/off');
    is $anna->cookie('abswitch_contact'), undef, 'off';
    is $anna->follow->header('X-Side'), 'A', 'then it is anybody';

    my $r = ask($site, at => '/contact/B/', token => 'B tester old');
    is_deeply [$r->status, $r->location], [302, '/contact?abswitch=expired'], 'until its max-login-time';

    my $tester = token_text('B tester');
    ask($site, at => '/contact/B/', token => $tester);
    sessions_are $site, 'a tester on the draining side', { B => 0, Bt => 1 };
    wait_for 'the side to be drained all the same', 5, sub { $_ = $site->side('B'); $_->{drain} eq 'drained' };
    is $site->side('B')->{testers}, 1, 'with the tester on it';
    $site->log_is_clean;
};

subtest 'what a door counts' => sub {
    my $site = site();
    verdicts_rise $site, 'one per request', { door => 6, prefetch => 1 }, sub {
        ask($site, at => '/contact-test/B/x', @YES);
        ask($site, at => '/contact-test/B/x');
        ask($site, at => '/contact-test/X', @YES);
        ask($site, at => '/contact-test/off');
        ask($site, at => '/contact-test/off', from => 'foreign');
        ask($site, at => '/contact-test/C', @YES);
        ask($site, at => '/contact-test/B/x', headers => ['X-Tester' => 'yes', 'Sec-Purpose' => 'prefetch']);
    };
    sessions_are $site, 'nobody', { A => 0, B => 0, C => 0, At => 0, Bt => 0, Ct => 0 };

    my $old = witness($site, 'A', 'inner');
    sessions_are $site, 'a session', { A => 1 }, 'inner';
    ask($site, app => 'inner', at => '/inner/door/B/', token => $old, @YES);
    sessions_are $site, 'is replaced by the tester\'s', { A => 0 }, 'inner';
    for my $method (qw(POST PUT DELETE)) {
        my $r = ask($site, at => '/contact-test/B/x', method => $method, body => 'x', @YES);
        is_deeply [$r->status, $r->header('Set-Cookie')], [405], "GET and HEAD only: $method";
    }
    $site->log_is_clean;
};

subtest 'who may' => sub {
    my $door = q{ABSwitchOverride /door "-R '127.0.0.1' && %{QUERY_STRING} =~ /key=1/"};
    my $site = ABSwitch::Site->new(app => $door)->start;
    asked $site, 'an expression of the request', { at => '/door/B/x?key=1' },
        moved('/contact/B/x?key=1', 'door', cookie => 'B tester');
    asked $site, 'false', { at => '/door/B/x?key=2' }, refused(403, 'door');
    my $plain = ABSwitch::Site->new->start;
    asked $plain, 'no directive, no door', { at => '/contact-test/B/x' }, { status => 404, verdict => undef };
    $_->log_is_clean for $site, $plain;
};

done_testing;
