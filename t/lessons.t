#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Lessons of others: what broke modules of this kind before, a row for each, asked of this one. Nobody crashes, leaves
# the site, gets in or speaks in the module's name.

use v5.36;
use Test::More;
use ABSwitch::Ask;
use ABSwitch::Site;

my $site = ABSwitch::Site->new(
    modules => [qw(session session_cookie)],
    app => "ABSwitchLogout /logout\n", conf => <<'CONF')->start;
MaxKeepAliveRequests 0
LogFormat "%{abswitch_contact}C %{}C %{ABSWITCH_SIDE}e" cookies
CustomLog logs/cookies cookies
<Location /contact/A/session>
    Session On
    SessionCookieName session path=/contact
</Location>
CONF
$site->write('htdocs/contact/A/session/index.html', "session\n");
$site->flip('A=1 B=0 gen=3 at=' . time . ' by=test');
my @children = sort $site->children;

sub own_redirect ($name, $r) {
    return like $r->location, qr{\A/contact/A/[!-~]*\z}, "$name stays here" || diag $r->raw;
}

my @lessons = (
    ['CVE-2003-1054', 'a Referer without a host crashed a module that compared hosts', sub {
        for my $referer ('http:', 'http://', 'http:///', 'http:///contact/A/', 'http://?', 'http://#', 'http://:80/', 'http://@/',
            'http://[]/', 'https:', ':', '://', '//', '') {
            is ask($site, at => '/contact/B/', from => 'nowhere', headers => [Referer => $referer])->header('X-Verdict'),
                'bookmark', "'$referer' is from outside";
        }
    }],
    ['CVE-2019-10098', 'an encoded newline in a path turned a redirect around', sub {
        for my $path ('%0a', '%0a/evil.example', '%0d%0aLocation:%20http://evil.example/', 'x%0aevil.example/', '%0a//evil.example',
            '%09//evil.example') {
            own_redirect($path, ask($site, at => "/contact/B/$path"));
        }
    }],
    ['CVE-2020-1927', 'the same with another encoding, and in the query', sub {
        for my $path ('%e2%80%a8//evil.example', '%c4%8d%c4%8aX:y', '%250aX:y', '%25%30%61', '?%0d%0aSet-Cookie:a=b', '?a%0aX:y') {
            my $r = ask($site, at => "/contact/B/$path");
            own_redirect($path, $r);
            is $r->cookie('a'), undef, '... and sets no cookie of somebody else';
        }
    }],
    ['CVE-2012-0021', 'a cookie without a name or value crashed the log', sub {
        is ask($site, at => '/contact/A/', headers => [Cookie => $_])->header('X-Verdict'), 'enter', "Cookie: $_"
            for '=', '=x', 'abswitch_contact', '; =; abswitch_contact; ', '$Version', ';abswitch_contact;=';
    }],
    ['CVE-2014-0098', 'a truncated cookie crashed the log', sub {
        is ask($site, at => '/contact/A/', headers => [Cookie => $_])->header('X-Verdict'), 'enter', "Cookie: $_"
            for 'abswitch_contact=', 'abswitch_contact=;', 'abswitch_contact="', 'abswitch_contact=";', 'a="; abswitch_contact=\\';
    }],
    ['CVE-2021-26690', 'an odd session cookie crashed mod_session', sub {
        for my $value ('', '&', '=', '&=&', 'a&', '=&=', 'expiry=', 'expiry=x&', '%', '%0', '%zz=1', '%00=%00') {
            is ask($site, at => '/contact/A/session/', token => 'A',
                headers => [Cookie => "session=$value; abswitch_contact=" . token_text('A')])->status, 200, "session=$value beside ours";
            is ask($site, at => '/contact/A/', headers => [Cookie => "abswitch_contact=$value"])->header('X-Verdict'), 'enter',
                "abswitch_contact=$value";
        }
    }],
    ['CVE-2024-24814', 'a number in a cookie decided how much work was done', sub {
        is ask($site, at => '/contact/A/', headers => [Cookie => $_])->header('X-Verdict'), 'enter', substr($_, 0, 60)
            for 'abswitch_contact_chunks=99999999', 'abswitch_contact=1.k.A.-.99999999999999999999.a.b',
            join('; ', map { "abswitch_contact=$_" } 1 .. 300), join('; ', ('abswitch_contact=' . token_text('A old') =~ s/.$/!/r) x 8,
                'abswitch_contact=' . token_text('A'));
    }],
    ['CVE-2018-17199', 'an expired session was taken from whoever still sent it', sub {
        my $old = token_text('A old');
        for my $what (['nav', '/contact?abswitch=expired'], ['form', '/contact?abswitch=expired'], ['script'], ['save']) {
            my $r = ask($site, at => '/contact/A/', as => $what->[0], token => $old);
            is_deeply [scalar $r->header('X-Verdict'), $r->location], ['cutoff', $what->[1]], "sent again and again: $what->[0]";
        }
        is ask($site, at => '/contact', token => $old)->cookie('abswitch_contact')->{value} eq $old ? 1 : 0, 0,
            'the launchpad gives a new one';
    }],
    ['CVE-2018-1283', 'a client wrote into the module\'s own variables', sub {
        for my $name ('ABSWITCH_SIDE', 'ABSWITCH-SIDE', 'abswitch_side', 'ABSwitch-Verdict', 'ABSWITCH_APP', 'ABSWITCH_DRAINING',
            'ABSwitch-Expires', 'ABSWITCH-', 'ABSWITCH_') {
            my $body = ask($site, at => '/contact/A/env.shtml', token => 'A', headers => [$name => 'forged'])->body;
            unlike $body, qr/forged/, "$name does not arrive";
            like $body, qr/^ABSWITCH_SIDE=A$/m, '... and the truth does';
        }
    }],
    ['CVE-2016-0736', 'what is not signed can be changed', sub {
        my $token = token_text('A');
        my @flags = split /\./, $token, -1;
        for my $i (1 .. 6) {
            my @changed = @flags;
            $changed[$i] = $i == 2 ? 'B' : $i == 3 ? 't' : $i == 4 ? $changed[$i] + 1 : reverse $changed[$i];
            my $r = ask($site, at => '/contact/A/', token => join('.', @changed));
            is $r->header('X-Verdict'), $i == 1 ? 'pass' : 'enter', "field $i";
        }
    }],
    ['CVE-2007-6420', 'a page of another site pressed the buttons of a manager', sub {
        for my $method (qw(POST PUT DELETE PATCH)) {
            my $r = ask($site, at => '/abswitch-status?app=contact&action=flip&side=B', method => $method, as => 'form', from => 'foreign',
                body => 'app=contact&action=flip&side=B&generation=3');
            is_deeply [$r->status, grep { !/\A(?:GET|HEAD|TRACE)\z/ } split / *, */, $r->header('Allow') // ''], [405],
                "$method: the status page has no buttons";
        }
        ask($site, at => '/abswitch-status?app=contact&action=flip&side=B', from => 'foreign');
        is $site->status->{switch}{generation}, 3, 'nothing was flipped';
    }],
    ['CVE-2012-4558', 'what was asked for came back as markup', sub {
        for my $query ('app=<evil>', 'app=%3Cevil%3E', 'format=<evil>', '"><evil>', 'app=contact&x="onevil=', 'app=contact&x=%22onevil=') {
            my $r = ask($site, at => "/abswitch-status?$query");
            unlike $r->body, qr/<evil|"onevil/i, "nothing of $query";
        }
    }],
    ['CVE-2023-6710', 'a registered name came back as markup', sub {
        my $evil = '%3Cscript%3Ealert(1)%3C/script%3E%22%27%26';
        $site->flip("A=1 B=0 gen=4 at=" . time . " by=$evil note=$evil");
        my $page = $site->client->get('/abswitch-status', Accept => 'text/html');
        unlike $page->body, qr/<script/i, 'not on the page';
        like $page->body, qr/&lt;script&gt;/, '... where it is text';
        my $json = $site->client->get('/abswitch-status?format=json');
        is $json->json->{apps}[0]{switch}{note}, '<script>alert(1)</script>"\'&', 'as data it is whole';
        unlike $json->header('Content-Type'), qr/html/, '... and never a page';
        is scalar $json->header('X-Content-Type-Options'), 'nosniff', '... whatever a browser thinks';
        unlike $site->client->get('/abswitch-status?format=prometheus')->body, qr/<script/, 'nor in the metrics';
    }],
);

for my $lesson (@lessons) {
    my ($cve, $what, $do) = @$lesson;
    subtest "$cve: $what" => $do;
}
my %now = map { $_ => 1 } $site->children;
is_deeply [grep { !$now{$_} } @children], [], 'no child died of all that';
$site->log_is_clean;

# A switch record of hostile text is not printed as it is either.
subtest 'the error log has no line that somebody else wrote' => sub {
    $site->write_switch("A=1\e[31m\x07 gen=9 note=\r\n[Sun] [core:emerg] forged");
    ABSwitch::Wait::poll(5, sub { $site->log_text =~ /contact\.switch|contact: / });
    unlike $site->log_text, qr/[\e\x07]|^\[Sun\] \[core:emerg\]/m, 'controls and line ends are cut or quoted';
    $site->expect_log(qr/\[abswitch:/);
};

done_testing;
